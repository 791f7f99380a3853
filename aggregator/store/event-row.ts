import type { EventRecord } from '../../shared/api.ts';
import { rfc3339 } from '../../shared/clock.ts';
import { EVENT_CLASSES } from '../../shared/protocol.ts';
import type { Spool } from './event-plan.ts';
import { integer, type Row, text } from './row.ts';
import type { OwnEvent } from './store.ts';

/** Events as `readEvent` reads them; conditions and order follow. */
export const EVENT_ROWS = `SELECT event.*, spool.epoch, node.name AS node_name FROM event
   JOIN spool ON spool.id = event.spool JOIN node ON node.id = spool.node`;

/** From a row of `EVENT_ROWS`. */
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

/** A record of the aggregator's own, as it was stored and will be read. */
export function recordOf(
  node: string,
  epoch: string,
  sequence: number,
  atMs: number,
  { at, kind, class: eventClass, data }: OwnEvent,
): EventRecord {
  const receivedAt = rfc3339(atMs);
  return { node, epoch, sequence, receivedAt, at, kind, class: eventClass, data };
}

/** From a row of `spool`. */
export function readSpool(row: Row): Spool {
  return {
    id: integer(row, 'id'),
    epoch: text(row, 'epoch'),
    cursor: integer(row, 'cursor'),
    announced: integer(row, 'announced'),
  };
}
