import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { xccdf } from '../../../shared/exports/xccdf.ts';
import {
  exported,
  exportSource,
  FLEET,
  HOSTILE_FLEET,
  type NodeGiven,
  ruleResult,
} from '../../support/exports.ts';

const withoutOscap = spawnSync('oscap', ['--version']).status !== 0 && 'oscap is not installed';

/** NIST's Schematron wants an override at every result beside one that has one. */
const TOO_STRICT = "match the value of the 'new-result' element";

/** By the published schema and Schematron, as oscap has them. */
async function holds(t: Test, text: string): Promise<void> {
  await t.test('oscap takes it', { skip: withoutOscap }, async (t) => {
    const file = join(t.testdir(), 'results.xml');
    writeFileSync(file, text);
    const validate = (...more: readonly string[]): SpawnSyncReturns<string> =>
      spawnSync('oscap', ['xccdf', 'validate', ...more, file], { encoding: 'utf8' });
    const { status, stderr } = validate('--skip-schematron');
    t.equal(status, 0, stderr);
    const errors = validate().stdout.match(/^Error: .*$/gm) ?? [];
    t.strictSame(
      errors.filter((error) => !error.includes(TOO_STRICT)),
      [],
    );
  });
}

/** `<rule> <result> [<subject>]` of one test result. */
function linesOf(text: string, target: string): readonly string[] {
  const own = text.split('<TestResult').find((part) => part.includes(`<target>${target}</target>`));
  const found = own?.matchAll(
    /idref="xccdf_dev\.nodeseal_rule_([^"]+)".*?<result>(\w+)<.*?(?:<instance[^>]*>([^<]*)<.*)?$/gm,
  );
  return [...(found ?? [])].map(([, rule, result, subject]) =>
    [rule, result, ...(subject === undefined ? [] : [subject])].join(' '),
  );
}

t.test('a test result a node, in the words of XCCDF', async (t) => {
  const text = await exported(xccdf, exportSource(FLEET));
  await holds(t, text);
  t.strictSame(linesOf(text, 'node-1'), [
    'a.pass pass /etc/selinux/config',
    'b.fail fail',
    'c.warn informational',
    'd.unknown unknown',
    'e.error error',
    'f.notapplicable notapplicable',
    'g.excepted notapplicable',
  ]);
  t.strictSame(linesOf(text, 'node-2'), ['coverage.reporting unknown']);
  t.strictSame(linesOf(text, 'node-3'), ['coverage.reporting unknown', 'a.pass unknown']);
  const parts = [
    '<description>1 of 3 nodes reporting</description>',
    '<version time="2026-11-21T12:00:00.000Z">1.2.3</version>',
    '<Rule id="xccdf_dev.nodeseal_rule_b.fail" multiple="true" severity="high">' +
      '<title>Title of b.fail</title><reference>800-53 AC-3(3)(a) (derived)</reference>',
    'end-time="2026-11-21T11:58:00.000Z"',
    '<score system="urn:xccdf:scoring:flat-unweighted" maximum="4">1</score>',
    '<reason xmlns="https://nodeseal.dev/ns/xccdf">permissive</reason>',
    '<message severity="error">message of b.fail</message>',
    '<override time="2026-11-21T11:58:00.000Z" authority="alice"><old-result>fail</old-result>' +
      '<new-result>notapplicable</new-result><remark>change 4711 (until 2027-03-31)</remark>',
    '<fact name="urn:nodeseal:fact:cause" type="string">never seen</fact>',
  ];
  for (const part of parts) t.ok(text.includes(part), part);
  t.equal(text.match(/<Rule /g)?.length, 8, 'each rule once');
});

const UNASKED: readonly (readonly [reason: string, result: string])[] = [
  ['not-selected', 'notselected'],
  ['no-statement', 'notchecked'],
];
for (const [reason, result] of UNASKED) {
  t.test(`a rule that was not asked, ${reason}, is ${result}`, async (t) => {
    const findings = [ruleResult('a.b', { result: 'notchecked', reason })];
    const text = await exported(xccdf, exportSource([{ name: 'n', findings }]));
    t.strictSame(linesOf(text, 'n'), [`a.b ${result}`]);
    t.match(text, 'maximum="0">0</score>');
  });
}

const BAD: readonly (readonly [name: string, nodes: readonly NodeGiven[]])[] = [
  ['no nodes', []],
  ['a node that says nothing', [{ name: 'n', findings: [] }]],
  ['hostile names', HOSTILE_FLEET],
  [
    'names that differ in what an id may not hold',
    [
      {
        name: 'n',
        findings: ['a b', 'a_b', 'a_20_b', 'a/b', 'ä'].map((id) => ruleResult(`x.${id}`)),
      },
    ],
  ],
];
for (const [name, nodes] of BAD) {
  t.test(`${name}: still a document of the schema`, async (t) => {
    const text = await exported(xccdf, exportSource(nodes));
    await holds(t, text);
    const ids = [...text.matchAll(/<(?:Rule|TestResult) id="([^"]*)"/g)].map(([, id]) => id);
    t.equal(new Set(ids).size, ids.length, 'no two ids are one');
    t.notMatch(text, /<script|]]>/);
  });
}
