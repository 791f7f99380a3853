import t from 'tap';
import { ChangeHistory } from '../../../aggregator/web/change-history.ts';
import type { EventRecord } from '../../../shared/api.ts';
import { rfc3339 } from '../../../shared/clock.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = Date.parse('2026-11-20T12:30:00Z');

let sequence = 0;
function change(node: string, hoursAgo: number, data: EventRecord['data']): EventRecord {
  const at = rfc3339(NOW_MS - hoursAgo * HOUR_MS);
  const about = { path: '/etc/containers/policy.json', change: 'changed', explained: null };
  return {
    node,
    epoch: 'e',
    sequence: ++sequence,
    at,
    receivedAt: at,
    kind: 'file.changed',
    class: 'high',
    data: { ...about, ...data },
  };
}

async function historyOf(events: readonly EventRecord[]): Promise<ChangeHistory> {
  return await ChangeHistory.load({ events: async () => ({ rows: events }) }, NOW_MS);
}

t.test('the same change on many nodes is one incident', async (t) => {
  const history = await historyOf([
    change('a', 3, { now: 'sha256:1' }),
    change('b', 2, { now: 'sha256:1' }),
    change('c', 1, { now: 'sha256:2' }),
    change('d', 30, { now: 'sha256:1' }),
    change('e', 2, { now: 'sha256:1', explained: { by: 'machine-config', name: 'rendered-1' } }),
  ]);
  const found = history.incidents(NOW_MS).map(({ nodes, isExplained, what }) => {
    return [[...nodes].join(), isExplained, what.includes('rendered-1')];
  });
  t.same(found, [
    ['c', false, false],
    ['e', true, true],
    ['a,b', false, false],
    ['d', false, false],
  ]);
});

t.test('a change is counted once, in its hour', async (t) => {
  const first = change('a', 1, {});
  const history = await historyOf([first]);
  history.add(first);
  history.add({ ...first, kind: 'finding.changed', sequence: 99 });
  history.add(change('a', 1, { explained: { by: 'baseline', name: 'x' } }));
  const buckets = history.buckets(NOW_MS, 6);
  t.equal(buckets.length, 28);
  t.same(buckets.at(-1), { startMs: NOW_MS - 0.5 * HOUR_MS, explained: 0, unexplained: 0 });
  t.match(buckets.at(-2), { explained: 1, unexplained: 1 });
  t.equal(
    buckets.reduce((sum, { explained, unexplained }) => sum + explained + unexplained, 0),
    2,
  );
});
