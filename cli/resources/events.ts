import type { EventRecord } from '../../shared/api.ts';
import { readEvent } from '../answers.ts';
import { eventPresentation } from '../output/event.ts';
import type { Resource } from '../resource.ts';

/** What happened on nodes. */
export const EVENTS: Resource<EventRecord> = {
  type: 'events',
  kind: 'EventList',
  read: readEvent,
  namesOf: ({ kind }) => [kind],
  nodesOf: ({ node }) => [node],
  keyOf: ({ node, epoch, sequence }) => `${node} ${epoch} ${sequence}`,
  fields: ['node', 'kind', 'class', 'epoch', 'sequence', 'at', 'receivedAt', 'data'],
  parameters: { node: 'node', kind: 'kind', class: 'class' },
  isWatched: true,
  isPaged: true,
  presentation: eventPresentation,
};
