import type { WatchMessage } from '../../shared/api.ts';
import { openEventStream } from './event-stream.ts';
import type { Route } from './route.ts';

const TOPICS = ['nodes', 'findings', 'images', 'events'] as const satisfies WatchMessage['topic'][];

const getWatch: Route = {
  method: 'GET',
  path: '/v1/watch',
  role: 'viewer',
  summary: 'Changes as server-sent events, from now on; the event is named by its topic',
  query: ['topic', 'node'],
  produces: 'text/event-stream',
  async handle(request, { fleet }) {
    const topics = request.query.words('topic', TOPICS) ?? TOPICS;
    const node = request.query.text('node');
    const stream = openEventStream(request, 'watching', () => unwatch());
    const unwatch = fleet.watch((message) => {
      const name = message.topic === 'nodes' ? message.item.name : message.item.node;
      if (!topics.includes(message.topic) || (node !== undefined && name !== node)) return;
      stream.send(message.topic, message);
    });
    return undefined;
  },
};

export const watchRoutes: readonly Route[] = [getWatch];
