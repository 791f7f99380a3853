import t from 'tap';
import { type AgentStatus, statusText } from '../../agent/status.ts';

const fine: AgentStatus = {
  url: 'https://a',
  link: 'connected',
  serverAheadMs: 900,
  conditions: [],
};
const cases: readonly (readonly [Partial<AgentStatus>, string])[] = [
  [{}, 'reports to https://a'],
  [
    { url: undefined, link: undefined },
    'watches this node and reports to nobody: aggregator is not set',
  ],
  [{ link: undefined }, 'connecting to https://a'],
  [{ link: { why: 'no route' } }, 'not connected: no route'],
  [{ link: { why: 'refused', next: 'ask' } }, 'not connected: refused; next: ask'],
  [
    { serverAheadMs: 86_400_000 },
    "the clock of this node is 1 d behind the aggregator's; next: set the wrong one (chronyc tracking; chronyc makestep); reports to https://a",
  ],
  [
    { serverAheadMs: -9000 },
    "the clock of this node is 9 s ahead of the aggregator's; next: set the wrong one (chronyc tracking; chronyc makestep); reports to https://a",
  ],
  [{ conditions: ['SpoolDegraded'] }, 'SpoolDegraded: see the journal; reports to https://a'],
];
for (const [change, text] of cases) {
  t.test(text, async (t) => t.equal(statusText({ ...fine, ...change }), text));
}
