import { readServerEvents } from '../../cli/sse.ts';
import type { WatchMessage } from '../../shared/api.ts';

/** An aggregator, and as whom it is asked. */
export interface Watched {
  readonly url: string;
  readonly token: string;
}

/** What an aggregator tells from now on, of one topic or of all, until the signal; resolves when it has agreed. */
export async function watchMessages(
  { url, token }: Watched,
  signal: AbortSignal,
  topic?: WatchMessage['topic'],
): Promise<AsyncIterable<WatchMessage>> {
  const address = `${url}/v1/watch${topic === undefined ? '' : `?topic=${topic}`}`;
  const response = await fetch(address, { headers: { authorization: `Bearer ${token}` }, signal });
  if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
  return messages(response.body, url);
}

async function* messages(
  body: AsyncIterable<Uint8Array>,
  url: string,
): AsyncGenerator<WatchMessage> {
  // What the aggregator wrote.
  for await (const { data } of readServerEvents(body, url)) yield JSON.parse(data) as WatchMessage;
}
