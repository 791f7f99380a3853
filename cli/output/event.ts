import type { EventRecord } from '../../shared/api.ts';
import { eventText } from '../../shared/event-text.ts';
import { ago } from '../duration.ts';
import type { Presentation } from './column.ts';

/** Events as `get events` shows them: the time is the node's own. */
export function eventPresentation(nowMs: number): Presentation<EventRecord> {
  return {
    resource: 'event',
    nameOf: ({ node, epoch, sequence }) => `${node}/${epoch}/${sequence}`,
    columns: [
      { header: 'NODE', key: 'node', value: ({ node }) => node, shrink: 'end' },
      { header: 'AT', key: 'at', value: ({ at }) => at, show: ({ at }) => ago(at, nowMs) },
      { header: 'KIND', key: 'kind', value: ({ kind }) => kind, drop: 2 },
      {
        header: 'CLASS',
        key: 'class',
        value: (event) => event.class,
        drop: 1,
        tone: (event) => (event.class === 'high' ? 'bad' : undefined),
      },
      { header: 'EPOCH', key: 'epoch', value: ({ epoch }) => epoch, wide: true },
      {
        header: 'SEQ',
        key: 'sequence',
        value: ({ sequence }) => sequence,
        align: 'right',
        wide: true,
      },
      { header: 'RECEIVED', key: 'receivedAt', value: ({ receivedAt }) => receivedAt, wide: true },
      {
        header: 'WHAT',
        key: 'data',
        value: ({ data }) => JSON.stringify(data),
        show: eventText,
        shrink: 'end',
        least: 16,
      },
    ],
  };
}
