import t from 'tap';
import { causeOfAbsence, newNode, stateOf, toItem } from '../../aggregator/fleet-node.ts';
import { ranksOf } from '../../aggregator/store/items.ts';
import type { NodeSummary } from '../../aggregator/store/stored-node.ts';
import { summarize, tallyOf } from '../../aggregator/store/summary.ts';
import { compareNodes } from '../../shared/node-order.ts';
import { EMPTY_HASH } from '../../shared/report.ts';

const THRESHOLDS = { lateMs: 44_000, silentMs: 300_000, staleMs: 86_400_000 };
const NODE = newNode({ uid: 'u', name: 'n', pool: 'p' });
const DAY_MS = 86_400_000;
const NOW_MS = 5 * DAY_MS;

t.test('a node is in the state that its silence makes', async (t) => {
  const cases = [
    [0, 'online'],
    [43_999, 'online'],
    [44_000, 'late'],
    [299_999, 'late'],
    [300_000, 'silent'],
    [DAY_MS - 1, 'silent'],
    [DAY_MS, 'stale'],
    [4 * DAY_MS, 'stale'],
  ] as const;
  for (const [ageMs, state] of cases) {
    const heard = { ...NODE, lastSeenMs: 1, heardMs: NOW_MS - ageMs };
    t.equal(stateOf(heard, NOW_MS, THRESHOLDS), state, `${ageMs} ms`);
  }
});

t.test('a node was never seen, is retired, or is two', async (t) => {
  const heard = { ...NODE, lastSeenMs: 1, heardMs: NOW_MS };
  t.equal(stateOf(NODE, NOW_MS, THRESHOLDS), 'expected');
  t.equal(stateOf({ ...heard, retired: true }, NOW_MS, THRESHOLDS), 'retired');
  const conflict = { ...heard, conflictMs: NOW_MS - 1_199_999 };
  t.equal(stateOf(conflict, NOW_MS, THRESHOLDS), 'conflict');
  const over = { ...heard, conflictMs: NOW_MS - 1_200_000 };
  t.equal(stateOf(over, NOW_MS, THRESHOLDS), 'online');
});

t.test('a node reports, or there is a cause why not', async (t) => {
  const reported = { ...NODE, lastSeenMs: 0, sections: { checks: EMPTY_HASH } };
  t.equal(causeOfAbsence(reported, 'online'), undefined);
  t.equal(causeOfAbsence(reported, 'late'), undefined);
  t.equal(causeOfAbsence({ ...reported, sections: {} }, 'online'), 'connected, no report yet');
  t.equal(causeOfAbsence(reported, 'silent'), 'silent since 1970-01-01T00:00:00.000Z');
  t.equal(causeOfAbsence(reported, 'stale'), 'stale since 1970-01-01T00:00:00.000Z');
  t.equal(causeOfAbsence(NODE, 'expected'), 'never seen');
  t.match(causeOfAbsence(reported, 'conflict'), /two machines/);
});

/** What findings of high severity with these results add up to. */
function summaryOf(...results: readonly string[]): NodeSummary {
  const ranks = results.flatMap((result) => ranksOf('checks', [result], ['high']));
  return summarize([['checks', tallyOf(ranks)]]);
}

t.test('a stale node passes nothing', async (t) => {
  const node = { ...NODE, summary: summaryOf('pass', 'pass', 'pass', 'unknown') };
  t.match(toItem(node, 'silent'), { results: { pass: 3, unknown: 1 }, worst: 'unknown' });
  t.match(toItem(node, 'stale'), { results: { pass: 0, unknown: 4 }, worst: 'unknown' });
  t.match(toItem(NODE, 'expected'), { worst: 'notchecked', lastSeen: null });
});

t.test('nodes are sorted worst first', async (t) => {
  const item = (name: string, state: Parameters<typeof toItem>[1], ...outcomes: string[]) => {
    return toItem({ ...NODE, name, uid: name, summary: summaryOf(...outcomes) }, state);
  };
  const nodes = [
    item('conflict', 'conflict', 'pass'),
    item('more', 'silent', 'fail', 'fail'),
    item('fail-a', 'online', 'fail', 'pass'),
    item('fail-b', 'late', 'fail'),
    item('stale', 'stale', 'pass'),
    item('unknown', 'online', 'unknown', 'pass'),
    item('error', 'online', 'error', 'pass'),
    item('pass', 'online', 'pass'),
    item('never', 'expected'),
    item('retired', 'retired', 'fail'),
  ];
  const names = nodes.map(({ name }) => name);
  t.same(
    nodes
      .toReversed()
      .sort(compareNodes)
      .map(({ name }) => name),
    names,
  );
});
