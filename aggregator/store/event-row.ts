import type { EventRecord } from '../../shared/api.ts';
import { rfc3339 } from '../../shared/clock.ts';
import { EVENT_CLASSES } from '../../shared/protocol.ts';
import { integer, type Row, text } from './row.ts';

/** From a row of `event` with its `epoch` and `node_name`. */
export function readEvent(row: Row): EventRecord {
  return {
    node: text(row, 'node_name'),
    epoch: text(row, 'epoch'),
    sequence: integer(row, 'sequence'),
    at: text(row, 'at'),
    receivedAt: rfc3339(integer(row, 'received_at')),
    kind: text(row, 'kind'),
    class: EVENT_CLASSES.find((known) => known === row['class']) ?? 'high',
    // Written from an object of JSON members.
    data: JSON.parse(text(row, 'data')) as EventRecord['data'],
  };
}
