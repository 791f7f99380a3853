import type { EventList } from '../../shared/api.ts';
import { EVENT_CLASSES } from '../../shared/protocol.ts';
import { alsoByName, coverageOf, type ListRoute, list } from './list.ts';
import type { Route } from './route.ts';

const getEvents: ListRoute = {
  method: 'GET',
  path: '/v1/events',
  role: 'viewer',
  summary: 'What happened on the nodes, newest first',
  query: ['limit', 'continue', 'node', 'kind', 'class', 'since'],
  async handle({ name, query }, context): Promise<EventList> {
    const node = name || query.text('node');
    const coverage = coverageOf(context, node);
    const page = await context.store.events({
      limit: query.limit(),
      after: query.text('continue'),
      node,
      kind: query.text('kind'),
      class: query.word('class', EVENT_CLASSES),
      sinceMs: query.time('since'),
    });
    return list('EventList', page.rows, coverage, page.next);
  },
};

export const eventRoutes: readonly Route[] = alsoByName(getEvents, 'events of node');
