import type { WatchMessage } from '../../shared/api.ts';
import type { Route } from './route.ts';

const TOPICS = ['nodes', 'findings', 'images', 'events'] as const satisfies WatchMessage['topic'][];
/** Proxies cut connections on which nothing moves for 30 s. */
const COMMENT_EVERY_MS = 15_000;
/** A watcher that reads so slowly is cut off: it comes back and asks for the lists again. */
const MAX_BUFFERED_BYTES = 4_194_304;

const getWatch: Route = {
  method: 'GET',
  path: '/v1/watch',
  role: 'viewer',
  summary: 'Changes as server-sent events, from now on; the event is named by its topic',
  query: ['topic', 'node'],
  produces: 'text/event-stream',
  async handle({ query, takeOver }, { fleet }) {
    const topics = query.words('topic', TOPICS) ?? TOPICS;
    const node = query.text('node');
    const { response, connection } = takeOver();
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    response.write(': watching\n\n');
    const unwatch = fleet.watch((message) => {
      const name = message.topic === 'nodes' ? message.item.name : message.item.node;
      if (!topics.includes(message.topic) || (node !== undefined && name !== node)) return;
      response.write(`event: ${message.topic}\ndata: ${JSON.stringify(message)}\n\n`);
      if (response.writableLength > MAX_BUFFERED_BYTES) response.destroy();
    });
    const comment = setInterval(() => response.write(': alive\n\n'), COMMENT_EVERY_MS);
    connection.once('close', () => {
      unwatch();
      clearInterval(comment);
    });
    return undefined;
  },
};

export const watchRoutes: readonly Route[] = [getWatch];
