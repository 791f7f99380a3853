import type { ServerResponse } from 'node:http';
import type { Fleet } from '../fleet.ts';
import type { Topic } from './page.ts';

/** Changes of this time are told together: a page is fetched again, not patched. */
const TELL_AFTER_MS = 500;
/** Proxies cut connections on which nothing moves for 30 s; whether the session still holds is looked at as often. */
const LOOK_EVERY_MS = 5000;
/** Open at once, over all people. */
const MAX_STREAMS = 1000;
/** Browsers keep six connections to one server at most. */
const MAX_BUFFERED_BYTES = 65_536;

/** Tells open pages that something changed, as server-sent events; what changed they ask for themselves. */
export class LiveStreams {
  readonly #fleet: Fleet;
  #open = 0;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  get isFull(): boolean {
    return this.#open >= MAX_STREAMS;
  }

  /** Answers until the connection or the session ends. */
  start(response: ServerResponse, holds: () => Promise<boolean>): void {
    this.#open++;
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-accel-buffering': 'no',
    });
    response.write('retry: 2000\n\nevent: watching\ndata: \n\n');
    const topics = new Set<Topic>();
    let timer: NodeJS.Timeout | undefined;
    const tell = (): void => {
      timer = undefined;
      response.write(`event: changed\ndata: ${[...topics].join(' ')}\n\n`);
      topics.clear();
      if (response.writableLength > MAX_BUFFERED_BYTES) response.destroy();
    };
    const unwatch = this.#fleet.watch(({ topic }) => {
      topics.add(topic);
      timer ??= setTimeout(tell, TELL_AFTER_MS);
    });
    const look = setInterval(() => {
      response.write(': alive\n\n');
      holds().then(
        (isSo) => isSo || end(),
        // Who cannot be asked about is asked about again.
        () => {},
      );
    }, LOOK_EVERY_MS);
    let isOpen = true;
    const close = (): void => {
      if (!isOpen) return;
      isOpen = false;
      this.#open--;
      unwatch();
      clearTimeout(timer);
      clearInterval(look);
    };
    const end = (): void => {
      // Nothing may follow the end, also while a slow reader has it before him.
      if (isOpen) response.end('event: ended\ndata: \n\n');
      close();
    };
    response.once('close', close);
    // Who went away before this is told of by no event.
    if (response.destroyed) close();
  }
}
