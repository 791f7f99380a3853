import type { EventRecord } from '../../shared/api.ts';
import { eventText } from '../../shared/event-text.ts';
import { type Html, html } from './html.ts';
import { time } from './links.ts';
import { table } from './table.ts';
import { cut, mark } from './words.ts';

/** What happened on one node, newest first; the time is the node's own. */
export function eventTable(
  caption: string,
  rows: readonly EventRecord[],
  nowMs: number,
  empty: Html,
): Html {
  return table({
    caption,
    columns: [
      { header: 'When', cell: ({ at }) => time(at, nowMs), sort: ({ at }) => at },
      { header: 'Kind', cell: ({ kind }) => cut(kind, 64) },
      {
        header: 'Class',
        cell: (event) =>
          mark(
            event.class === 'high' ? 'bad' : event.class === 'medium' ? 'warn' : 'dim',
            event.class,
          ),
      },
      { header: 'What', cell: (event) => html`${cut(eventText(event))}` },
    ],
    rows,
    empty,
  });
}
