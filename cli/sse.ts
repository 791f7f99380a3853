import { rubbish } from './client-errors.ts';

/** One event of a stream of server-sent events. */
export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/** Longest event that is read, characters. */
const MAX_EVENT_LENGTH = 8 * 1024 * 1024;

/** Events from bytes, WHATWG HTML section 9.2 as far as it is used: `event`, `data`, comments. */
export async function* readServerEvents(
  chunks: AsyncIterable<Uint8Array>,
  server: string,
): AsyncGenerator<ServerEvent, void> {
  const decoder = new TextDecoder();
  let rest = '';
  let event = '';
  let data: string[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    const text = rest + decoder.decode(chunk, { stream: true });
    // A chunk may end between CR and LF, which together end one line.
    const held = text.endsWith('\r') ? '\r' : '';
    const lines = text.slice(0, text.length - held.length).split(/\r\n|\n|\r/);
    rest = (lines.pop() ?? '') + held;
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield { event, data: data.join('\n') };
        [event, data, length] = ['', [], 0];
        continue;
      }
      const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
      length += value.length;
      if (field === 'event') event = value;
      else if (field === 'data') data.push(value);
    }
    if (length + rest.length > MAX_EVENT_LENGTH) {
      throw rubbish(server, `an event is longer than ${MAX_EVENT_LENGTH} characters`);
    }
  }
}
