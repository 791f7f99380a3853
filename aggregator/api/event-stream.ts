import type { ApiRequest } from './route.ts';

/** Proxies cut connections on which nothing moves for 30 s. */
const COMMENT_EVERY_MS = 15_000;
/** Who reads so slowly is cut off: it comes back and asks again. */
const MAX_BUFFERED_BYTES = 4_194_304;

/** An answer that goes on: server-sent events, WHATWG HTML section 9.2. */
export interface EventStream {
  send(event: string, data: unknown): void;
  end(): void;
}

/** Takes the answer over. `onClose` is called once, however the stream ends. */
export function openEventStream(
  { takeOver }: Pick<ApiRequest, 'takeOver'>,
  greeting: string,
  onClose: () => void,
): EventStream {
  const { response, connection } = takeOver();
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  response.write(`: ${greeting}\n\n`);
  const comment = setInterval(() => response.write(': alive\n\n'), COMMENT_EVERY_MS);
  const close = (): void => {
    clearInterval(comment);
    connection.off('close', close);
    response.off('close', close);
    onClose();
  };
  connection.once('close', close);
  response.once('close', close);
  // Who went away before this is told of by no event.
  if (response.destroyed) queueMicrotask(close);
  return {
    send: (event, data) => {
      response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      if (response.writableLength > MAX_BUFFERED_BYTES) response.destroy();
    },
    end: () => {
      // Nothing may follow the end, also while a slow reader has it before him.
      clearInterval(comment);
      response.end();
    },
  };
}
