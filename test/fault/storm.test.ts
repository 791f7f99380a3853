import t from 'tap';
import { runFleet } from '../fleet/fleet.ts';
import { parseScrape, quantileBetween } from '../fleet/metrics.ts';

t.setTimeout(240_000);

// The same with thousands of agents: npm run fleet.
t.test('a fleet of 150 whose aggregator is killed', async (t) => {
  const report = await runFleet({
    folder: t.testdir({}),
    nodes: 150,
    seconds: 1,
    seed: 1,
    everyMs: 5000,
    rate: 300,
    restarts: ['SIGKILL'],
  });
  for (const phase of report.phases) t.comment(JSON.stringify(phase));
  const after = report.phases.at(-1);
  t.match(after, { name: 'after SIGKILL' });
  t.ok((after?.connectedSeconds ?? 999) <= 120, 'I13 a storm passes: all are back within 120 s');
  t.equal(report.refused, 0, 'I13 a storm passes: none was turned away');
  for (const { name, loopDelayP99Ms, machineP99Ms } of report.phases) {
    const delay = `p99 ${loopDelayP99Ms} ms, of an idle process ${machineP99Ms} ms`;
    t.ok(
      loopDelayP99Ms < 200 + machineP99Ms,
      `I9 the event loop stays responsive ${name}: ${delay}`,
    );
  }
  const { generated, stored, lost, duplicates } = report;
  t.ok(generated > 150);
  t.equal(stored + lost, generated, 'I2 each event was delivered or counted');
  t.equal(duplicates, 0, 'I3 none is stored twice');
});

t.test('a quantile of a histogram is that of what was observed in between', async (t) => {
  const text = (counts: readonly number[]): string =>
    ['0.1', '0.2', '+Inf'].map((le, n) => `nodeseal_x_bucket{le="${le}"} ${counts[n]}`).join('\n');
  const before = parseScrape(text([10, 20, 20]));
  const cases = [
    ['all in the first bucket', [20, 30, 30], 0.5, 0.05],
    ['in the second', [10, 30, 30], 0.5, 0.15],
    ['beyond the last', [10, 20, 30], 0.99, 0.2],
    ['nothing', [10, 20, 20], 0.99, Number.NaN],
  ] as const;
  for (const [name, counts, quantile, expected] of cases) {
    const found = quantileBetween(before, parseScrape(text(counts)), 'nodeseal_x', quantile);
    t.same(Math.round(found * 1000) / 1000, expected, name);
  }
});
