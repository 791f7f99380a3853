import t from 'tap';
import { oscal } from '../../../shared/exports/oscal.ts';
import { exported, exportSource, FLEET, HOSTILE_FLEET, ruleResult } from '../../support/exports.ts';
import { conforms, jsonSchema } from '../../support/schemas.ts';

const schema = jsonSchema('oscal_assessment-results_schema.json');

interface Observation {
  readonly uuid: string;
  readonly props: readonly { readonly name: string; readonly value: string }[];
}

const propOf = ({ props }: Pick<Observation, 'props'>, name: string): string | undefined =>
  props.find((one) => one.name === name)?.value;

t.test('what was decided is a finding, what was not is only observed', async (t) => {
  const document = JSON.parse(await exported(oscal, exportSource(FLEET)));
  await conforms(t, schema, document);
  const { results, metadata, 'local-definitions': definitions } = document['assessment-results'];
  const [one, two, three] = results;
  const observed = one.observations.map(
    (observation: Observation) =>
      `${propOf(observation, 'rule-id')} ${propOf(observation, 'outcome')}`,
  );
  t.strictSame(observed, [
    'a.pass pass',
    'b.fail fail',
    'c.warn warn',
    'd.unknown unknown',
    'e.error error',
    'g.excepted excepted',
  ]);
  t.match(one.findings, [
    { target: { 'target-id': 'a.pass', status: { state: 'satisfied' } } },
    { target: { 'target-id': 'b.fail', status: { state: 'not-satisfied' } } },
    { target: { 'target-id': 'g.excepted', status: { state: 'not-satisfied' } } },
  ]);
  t.equal(one.findings.length, 3);
  t.match(one.risks, [
    { title: 'Title of b.fail', status: 'open' },
    {
      title: 'Title of g.excepted',
      status: 'deviation-approved',
      deadline: '2027-03-31T23:59:59.000Z',
      'mitigating-factors': [{ description: /alice/ }],
    },
  ]);
  t.equal(propOf(one, 'count-notapplicable'), '1');
  t.equal(propOf(one, 'data-as-of'), '2026-11-21T11:58:00.000Z');
  t.match(one['reviewed-controls']['control-selections'], [
    {
      'include-controls': [
        { 'control-id': 'ac-3.3', 'statement-ids': ['ac-3.3_smt.a'] },
        { 'control-id': 'f' },
        { 'control-id': 'si-7' },
      ],
    },
  ]);
  t.match(two, { observations: [{ description: 'the node does not report: never seen' }] });
  for (const undecided of [two, three]) t.notOk('findings' in undecided, 'no data is no finding');
  t.equal(propOf(metadata, 'coverage-expected'), '3');
  t.equal(propOf(metadata, 'coverage-reporting'), '1');
  t.equal(propOf(metadata, 'coverage-missing'), 'node-2: never seen');
  t.match(definitions['objectives-and-methods'][0], {
    'control-id': 'ac-3.3',
    parts: [{ id: 'a.pass' }],
  });
});

t.test('every uuid that is named is there, and each once', async (t) => {
  const text = await exported(oscal, exportSource(FLEET));
  const named = [...text.matchAll(/"([a-z]+-)?uuid":"([^"]+)"/g)];
  const defined = named.filter(([, prefix]) => prefix === undefined).map(([, , uuid]) => uuid);
  const shared = new Set(defined);
  // The tool is defined in each result.
  t.equal(shared.size, defined.length - 2);
  for (const [, prefix, uuid] of named) {
    if (prefix !== undefined) t.ok(shared.has(uuid), `${prefix}uuid`);
  }
});

t.test('a rule with several subjects is one finding', async (t) => {
  const of = async (...results: readonly ('pass' | 'fail' | 'unknown')[]): Promise<unknown> => {
    const findings = results.map((result, at) => ruleResult('a.b', { subject: `${at}`, result }));
    const document = JSON.parse(await exported(oscal, exportSource([{ name: 'n', findings }])));
    const { findings: found = [] } = document['assessment-results'].results[0];
    return found.map((one: { target: { status: { state: string } } }) => one.target.status.state);
  };
  t.strictSame(await of('pass', 'pass'), ['satisfied']);
  t.strictSame(await of('pass', 'fail', 'unknown'), ['not-satisfied']);
  t.strictSame(await of('pass', 'unknown'), [], 'what is partly unknown is not satisfied');
});

t.test('the uuid is that of the content', async (t) => {
  const uuid = async (result: 'pass' | 'fail', generatedAt: string): Promise<string> => {
    const nodes = [{ name: 'n', findings: [ruleResult('a.b', { result })] }];
    const text = await exported(oscal, exportSource(nodes, { generatedAt }));
    return JSON.parse(text)['assessment-results'].uuid;
  };
  const first = await uuid('pass', '2026-11-21T12:00:00.000Z');
  t.equal(await uuid('pass', '2026-11-21T13:00:00.000Z'), first);
  t.not(await uuid('fail', '2026-11-21T12:00:00.000Z'), first);
});

t.test('hostile names are neither markup nor ill-typed', async (t) => {
  const document = JSON.parse(await exported(oscal, exportSource(HOSTILE_FLEET)));
  await conforms(t, schema, document);
  const text = JSON.stringify(document['assessment-results'].results);
  t.match(text, /\\\\<script\\\\>alert/);
  t.match(text, /\\\\\[click\\\\\]\(javascript/);
});

t.test('a fleet without nodes has a result that says so', async (t) => {
  const document = JSON.parse(await exported(oscal, exportSource([])));
  await conforms(t, schema, document);
  t.match(document['assessment-results'].results, [{ title: 'No node' }]);
});
