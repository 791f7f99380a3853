import t from 'tap';
import { openreports } from '../../../shared/exports/openreports.ts';
import { exported, exportSource, FLEET, HOSTILE_FLEET, ruleResult } from '../../support/exports.ts';
import { conforms, resourceSchema } from '../../support/schemas.ts';

const schema = resourceSchema('openreports.io_reports.yaml', 'v1alpha1');

interface Report {
  readonly metadata: { readonly name: string; readonly annotations: Record<string, string> };
  readonly results: readonly { readonly rule: string; readonly result: string }[];
  readonly summary: Record<string, number>;
}

async function reportsOf(...given: Parameters<typeof exportSource>): Promise<readonly Report[]> {
  return JSON.parse(await exported(openreports, exportSource(...given))).items;
}

t.test('a report a node, and one for the coverage', async (t) => {
  const reports = await reportsOf(FLEET);
  await conforms(t, schema, ...reports);
  const [coverage, one, two, three] = reports;
  t.match(coverage, {
    apiVersion: 'openreports.io/v1alpha1',
    kind: 'Report',
    metadata: {
      name: 'nodeseal-coverage',
      annotations: {
        'nodeseal.dev/coverage-expected': '3',
        'nodeseal.dev/coverage-reporting': '1',
      },
    },
    summary: { error: 2, pass: 0 },
    results: [{ result: 'error', message: 'node-2: never seen' }, { result: 'error' }],
  });
  t.match(one, {
    metadata: {
      name: 'nodeseal-node-1',
      annotations: {
        'nodeseal.dev/generated-at': '2026-11-21T12:00:00.000Z',
        'nodeseal.dev/data-as-of': '2026-11-21T11:58:00.000Z',
        'nodeseal.dev/results': 'https://aggregator.example.com:8443/v1/findings?node=node-1',
      },
    },
    scope: { apiVersion: 'v1', kind: 'Node', name: 'node-1' },
    summary: { pass: 1, fail: 1, warn: 1, error: 2, skip: 2 },
  });
  t.strictSame(
    one?.results.map(({ rule, result }) => `${rule} ${result}`),
    [
      'b.fail fail',
      'd.unknown error',
      'e.error error',
      'c.warn warn',
      'g.excepted skip',
      'a.pass pass',
      'f.notapplicable skip',
    ],
  );
  t.match(two, { summary: { error: 1, pass: 0 } }, 'a node without data has no pass');
  t.match(three, { summary: { error: 2, pass: 0 } }, 'nor has a stale one');
});

t.test(
  'a node with more results than an object holds keeps the worst, and counts all',
  async (t) => {
    const findings = Array.from({ length: 1000 }, (_, at) => {
      return ruleResult(`a.${at}`, { result: at < 150 ? 'pass' : at < 300 ? 'unknown' : 'fail' });
    });
    const [, report] = await reportsOf([{ name: 'n', findings }]);
    t.equal(report?.results.length, 200);
    t.match(report, {
      summary: { fail: 700, error: 150, pass: 150 },
      configuration: { limits: { maxResults: 200 } },
      metadata: { annotations: { 'nodeseal.dev/results-omitted': '800' } },
    });
    t.ok(report?.results.every(({ result }) => result === 'fail'));
  },
);

t.test('hostile names make objects that a cluster takes', async (t) => {
  const reports = await reportsOf(HOSTILE_FLEET);
  await conforms(t, schema, ...reports);
  const names = reports.map(({ metadata }) => metadata.name);
  t.equal(new Set(names).size, names.length, 'each its own');
  for (const name of names) {
    t.match(name, /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/);
    t.ok(name.length <= 253);
  }
  const bytes = reports.map((report) => Buffer.byteLength(JSON.stringify(report)));
  t.ok(Math.max(...bytes) < 1_500_000);
});

t.test('the coverage of a whole fleet passes, that of none does not', async (t) => {
  const [whole] = await reportsOf([{ name: 'n', findings: [] }]);
  t.match(whole, { summary: { pass: 1, error: 0 }, results: [{ result: 'pass' }] });
  const [none] = await reportsOf([]);
  t.match(none, { summary: { pass: 0, error: 1 }, results: [{ message: 'no node is expected' }] });
  await conforms(t, schema, whole, none);
});
