import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import t from 'tap';
import { trustPolicy } from '../../../agent/checks/trust-policy.ts';
import { captureBaseline } from '../../../agent/desired/baseline.ts';
import { sha256 } from '../../../shared/canonical.ts';
import { contextAt, say, treeOf } from '../../support/host-tree.ts';
import { machineConfigOf } from '../../support/machine-config.ts';

const POLICY = '/etc/containers/policy.json';
const SHOP = '/etc/crio/policies/shop.json';
const CURRENT = '/etc/machine-config-daemon/currentconfig';
const RULE = 'trust.namespace-policies';
const ACCEPT = [{ type: 'insecureAcceptAnything' }];
const REJECT = [{ type: 'reject' }];
const key = (keyPath: string) => ({ type: 'sigstoreSigned', keyPath });
const SIGNED = [key('/etc/a')];
type Files = Readonly<Record<string, string | undefined>>;

const policy = (
  fallback: readonly object[],
  docker: Readonly<Record<string, readonly object[]>> = {},
): string => JSON.stringify({ default: fallback, transports: { docker } });

const SYSTEM = policy(ACCEPT, { 'quay.io': SIGNED, 'bad.test': REJECT });
/** A node without a MachineConfig with this policy of the namespace shop. */
const shop = (text: string, system = SYSTEM): Files => ({ [POLICY]: system, [SHOP]: text });
const rolledOut = (text: string): Files => ({
  ...shop(text),
  [CURRENT]: machineConfigOf({ [POLICY]: SYSTEM, [SHOP]: text }),
});
const stricter = policy(ACCEPT, {
  'quay.io': [...SIGNED, key('/etc/b')],
  'bad.test': REJECT,
  'docker.io/shop': SIGNED,
});
const at = (text: string): readonly string[] => [`${text} @ ${SHOP}`];

const CASES: readonly (readonly [name: string, files: Files, expected: readonly string[]])[] = [
  ['without any', { [POLICY]: SYSTEM }, ['notapplicable no-namespace-policies']],
  ['that equals the system’s', shop(SYSTEM), at('pass')],
  ['that asks for one signature more', shop(stricter), at('pass')],
  ['as rolled out', rolledOut(stricter), at('pass')],
  [
    'that asks for another key',
    shop(policy(ACCEPT, { 'quay.io': [key('/etc/b')], 'bad.test': REJECT })),
    at('fail looser'),
  ],
  [
    'that accepts what has to be signed',
    shop(policy(ACCEPT, { 'quay.io': ACCEPT, 'bad.test': REJECT })),
    at('fail looser'),
  ],
  ['that leaves a scope out', shop(policy(ACCEPT, { 'bad.test': REJECT })), at('fail looser')],
  [
    'that accepts what is refused',
    shop(policy(ACCEPT, { 'quay.io': SIGNED, 'bad.test': ACCEPT })),
    at('fail looser'),
  ],
  [
    'that hides a scope by a narrower one',
    shop(policy(ACCEPT, { 'quay.io': SIGNED, 'quay.io/shop': ACCEPT, 'bad.test': REJECT })),
    at('fail looser'),
  ],
  [
    'whose default accepts where the system’s refuses',
    shop(policy(ACCEPT), policy(REJECT)),
    at('fail looser'),
  ],
  ['that is no JSON', shop('{'), at('fail invalid')],
  ['that is empty', shop(''), at('fail invalid')],
  ['with a member nobody knows', shop('{"default":[{"type":"reject"}],"x":1}'), at('fail invalid')],
  ['beside a system policy that is none', shop(SYSTEM, '{'), at('unknown no-policy')],
  [
    'that nobody rolled out',
    { ...shop(stricter), [CURRENT]: machineConfigOf({ [POLICY]: SYSTEM }) },
    at('fail unmanaged'),
  ],
  [
    'that was edited to be as strict',
    { ...rolledOut(stricter), [SHOP]: SYSTEM },
    at('fail content'),
  ],
  ['beside a MachineConfig that is none', { ...shop(SYSTEM), [CURRENT]: '{' }, at('error parse')],
  [
    'of CRI-O’s own folder, held to CRI-O’s own policy',
    {
      [POLICY]: policy(REJECT),
      '/etc/crio/crio.conf.d/50-own':
        '[crio.image]\nsignature_policy = "/etc/crio/own.json"\nsignature_policy_dir = "/etc/crio/ns"\n',
      '/etc/crio/own.json': policy(ACCEPT),
      '/etc/crio/ns/shop.json': policy(ACCEPT),
    },
    ['pass @ /etc/crio/ns/shop.json'],
  ],
  [
    'of two namespaces, one of them in order',
    { ...shop(SYSTEM), '/etc/crio/policies/till.json': policy(ACCEPT) },
    ['pass @ /etc/crio/policies/shop.json', 'fail looser @ /etc/crio/policies/till.json'],
  ],
  [
    'in a file that CRI-O does not read',
    { [POLICY]: SYSTEM, '/etc/crio/policies/shop.yaml': '{' },
    ['notapplicable no-namespace-policies'],
  ],
];

for (const [name, files, expected] of CASES) {
  t.test(`a policy of a namespace ${name}`, async (t) => {
    t.strictSame(await linesOf(t.testdir(treeOf(files))), expected);
  });
}

t.test('a looser policy is shown by the scope that it opens', async (t) => {
  const loose = policy(ACCEPT, { 'quay.io': ACCEPT, 'bad.test': ACCEPT });
  const root = t.testdir(treeOf(shop(loose)));
  const findings = await trustPolicy.run(contextAt(root), AbortSignal.timeout(5000));
  const finding = findings.find(({ ruleId }) => ruleId === RULE);
  t.match(finding?.message, /shop\.json is looser than .*policy\.json: .* \(and 1 more scope\)$/);
  t.match(finding?.observed, { scope: /^(?:bad\.test|quay\.io)$/, looser: 2 });
  t.equal(finding?.severity, 'high');
});

t.test('a policy of a namespace that was accepted is managed', async (t) => {
  const root = t.testdir(treeOf(shop(stricter)));
  const baselineOf = (text: string) =>
    captureBaseline({
      findings: [],
      files: { [SHOP]: { sha256: sha256(text), mode: 0o644 } },
      acceptedAt: '2026-01-01T00:00:00Z',
      acceptedBy: 'admin',
    });
  t.strictSame(await linesOf(root, baselineOf(stricter)), at('pass'));
  t.strictSame(await linesOf(root, baselineOf('x')), at('fail content'));
});

t.test('policies of namespaces that cannot be read are errors, each for itself', async (t) => {
  const root = t.testdir(treeOf({ ...shop(SYSTEM), '/etc/crio/policies/folder.json/x': '' }));
  execFileSync('mkfifo', [`${root}/etc/crio/policies/pipe.json`]);
  symlinkSync('loop.json', `${root}/etc/crio/policies/loop.json`);
  symlinkSync('gone', `${root}/etc/crio/policies/gone.json`);
  t.strictSame(await linesOf(root), [
    'error not-a-file @ /etc/crio/policies/folder.json',
    'fail invalid @ /etc/crio/policies/gone.json',
    'error link-loop @ /etc/crio/policies/loop.json',
    'error not-a-file @ /etc/crio/policies/pipe.json',
    ...at('pass'),
  ]);
});

async function linesOf(
  root: string,
  baseline?: Parameters<typeof say>[2],
): Promise<readonly string[]> {
  const lines = await say(trustPolicy, root, baseline);
  return lines
    .filter((line) => line.startsWith(`${RULE} `))
    .map((line) => line.slice(RULE.length + 1));
}
