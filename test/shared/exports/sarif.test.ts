import t from 'tap';
import { sarif } from '../../../shared/exports/sarif.ts';
import {
  EVERY_OUTCOME,
  exported,
  exportSource,
  FLEET,
  HOSTILE_FLEET,
  ruleResult,
} from '../../support/exports.ts';
import { conforms, jsonSchema } from '../../support/schemas.ts';

const schema = jsonSchema('sarif-schema-2.1.0.json');

t.test('every outcome has its kind and level, and none becomes a pass', async (t) => {
  const log = JSON.parse(await exported(sarif, exportSource(FLEET)));
  await conforms(t, schema, log);
  const [{ results, invocations, tool, properties }] = log.runs;
  const kinds = results.map(
    (one: { ruleId: string; kind: string; level: string }) =>
      `${one.ruleId} ${one.kind} ${one.level}`,
  );
  t.strictSame(kinds, [
    'a.pass pass none',
    'b.fail fail error',
    'c.warn fail note',
    'd.unknown open none',
    'e.error open none',
    'f.notapplicable notApplicable none',
    'g.excepted fail error',
    'coverage.reporting open none',
    'coverage.reporting open none',
    'a.pass open none',
  ]);
  t.match(results[6].suppressions, [
    { kind: 'external', status: 'accepted', justification: 'change 4711' },
  ]);
  t.match(results[0].locations, [
    {
      physicalLocation: { artifactLocation: { uri: 'file://node-1/etc/selinux/config' } },
      logicalLocations: [{ fullyQualifiedName: 'node-1//etc/selinux/config' }],
    },
  ]);
  t.match(invocations, [
    {
      machine: 'node-1',
      executionSuccessful: true,
      endTimeUtc: '2026-11-21T11:58:00.000Z',
      toolExecutionNotifications: [{ level: 'error', associatedRule: { id: 'e.error' } }],
    },
    { machine: 'node-2', executionSuccessful: false, properties: { cause: 'never seen' } },
    { machine: 'node-3', properties: { state: 'stale' } },
  ]);
  t.match(properties, {
    generatedAt: '2026-11-21T12:00:00.000Z',
    coverage: { expected: 3, reporting: 1, missing: [{ node: 'node-2', cause: 'never seen' }, {}] },
  });
  t.match(tool.driver, { name: 'nodeseal', version: '1.2.3' });
  t.equal(tool.driver.rules.length, EVERY_OUTCOME.length + 1, 'each rule once');
});

t.test('a fingerprint is that of the node, rule and subject alone', async (t) => {
  const print = async (name: string, change: object): Promise<string> => {
    const findings = [ruleResult('a.rule', change)];
    const log = JSON.parse(await exported(sarif, exportSource([{ name, findings }])));
    return log.runs[0].results[0].partialFingerprints['nodeseal/v1'];
  };
  const first = await print('node-1', {});
  t.match(first, /^[0-9a-f]{64}$/);
  t.equal(await print('node-1', { result: 'fail', message: 'another', severity: 'low' }), first);
  t.not(await print('node-2', {}), first);
  t.not(await print('node-1', { subject: '/etc' }), first);
});

t.test('texts of a node make no link and no placeholder', async (t) => {
  const text = await exported(sarif, exportSource(HOSTILE_FLEET));
  const log = JSON.parse(text);
  await conforms(t, schema, log);
  const said = log.runs[0].results.map((one: { message: { text: string } }) => one.message.text);
  t.ok(
    said.includes('\\[click\\](javascript:alert(1)) {{0}} {{{{ insert: param }}}}'),
    'brackets and braces are escaped',
  );
});

t.test('a node with more errors than are told has them all among the results', async (t) => {
  const findings = Array.from({ length: 30 }, (_, at) =>
    ruleResult(`a.${at}`, { result: 'error' }),
  );
  const log = JSON.parse(await exported(sarif, exportSource([{ name: 'n', findings }])));
  const [{ invocations, results }] = log.runs;
  t.equal(invocations[0].toolExecutionNotifications.length, 21);
  t.match(invocations[0].toolExecutionNotifications[20].message.text, /^10 more rules/);
  t.equal(results.length, 30);
});

t.test('a fleet without nodes is a log all the same', async (t) => {
  const log = JSON.parse(await exported(sarif, exportSource([])));
  await conforms(t, schema, log);
  t.match(log.runs[0].properties.coverage, { expected: 0, reporting: 0, missing: [] });
});
