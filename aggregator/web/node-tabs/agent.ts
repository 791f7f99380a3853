import type { NodeDetail } from '../../../shared/api.ts';
import { type Html, html } from '../html.ts';
import { time } from '../links.ts';
import { cut, digest, mark } from '../words.ts';

/** How the reporter itself is doing. */
export function agentTab({ session, sections, node }: NodeDetail, nowMs: number): Html {
  const { connected, since, rootHash, unsentRecords, lostRecords, clockSkewSeconds } = session;
  const conditions = session.conditions ?? [];
  const facts: readonly (readonly [string, Html])[] = [
    [
      'Connection',
      connected
        ? html`${mark('good', 'connected')} since ${time(since, nowMs)}`
        : mark('warn', 'not connected'),
    ],
    ['Version', html`${node.agentVersion ?? '–'}`],
    [
      'Conditions',
      conditions.length === 0
        ? connected
          ? mark('good', 'none')
          : mark('unknown', 'not connected')
        : mark('warn', conditions.join(', ')),
    ],
    ['Events not sent yet', html`${unsentRecords}`],
    ['Events lost', lostRecords === 0 ? html`0` : mark('warn', String(lostRecords))],
    ['Clock skew', html`${clockSkewSeconds === null ? '–' : `${clockSkewSeconds.toFixed(1)} s`}`],
    ['State hash', digest(rootHash)],
    ['Uid', html`<code>${node.uid}</code>`],
  ];
  const told = Object.entries(sections['agent'] ?? {});
  return html`<dl>${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}
${told.map(([key, item]) => html`<dt>${cut(key, 64)}</dt><dd>${cut(typeof item === 'string' ? item : JSON.stringify(item))}</dd>`)}</dl>`;
}
