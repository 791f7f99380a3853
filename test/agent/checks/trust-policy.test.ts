// One piece: a table of nodes for the rules of one check, and what their messages say.
import { chmodSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { trustPolicy } from '../../../agent/checks/trust-policy.ts';
import { captureBaseline } from '../../../agent/desired/baseline.ts';
import { sha256 } from '../../../shared/canonical.ts';
import { contextAt, say, treeOf } from '../../support/host-tree.ts';
import { machineConfigOf } from '../../support/machine-config.ts';
import { fixture } from '../../support/trust-fixtures.ts';

const POLICY = '/etc/containers/policy.json';
const KEY = '/etc/pki/rpm-gpg/key';
const CURRENT = '/etc/machine-config-daemon/currentconfig';
const ACCEPT = '{"default":[{"type":"insecureAcceptAnything"}]}\n';
const KEY_TEXT = fixture('keys/rsa.asc').toString();
type Files = Readonly<Record<string, string | undefined>>;

function signedBy(keyPath: string): string {
  return JSON.stringify({ default: [{ type: 'signedBy', keyType: 'GPGKeys', keyPath }] });
}
/** A policy with this text, rolled out by a MachineConfig. */
function rolledOut(text: string, others: Files = {}): Files {
  return { [POLICY]: text, [CURRENT]: machineConfigOf({ [POLICY]: text }), ...others };
}

/** What follows from a policy that another rule calls unreadable. */
const NO_POLICY = [
  'default-reject',
  'redhat-signed',
  'scope-lint',
  'key-files',
  'key-fingerprints',
].map((rule) => `trust.${rule} unknown no-policy`);
const NO_OWN_POLICY = ['default-reject', 'redhat-signed', 'scope-lint'].map(
  (rule) => `trust.${rule} unknown no-policy @ /etc/crio/own.json`,
);
const NO_KEYS = [
  'trust.key-files notapplicable no-keys',
  'trust.key-fingerprints notapplicable no-keys',
];
const MISSING_POLICY = [
  'trust.policy-valid fail missing',
  'trust.policy-managed fail missing',
  ...NO_POLICY,
];

/** What these nodes have in common: no baseline, no namespaces, and nothing said of Red Hat. */
const USUAL = [
  'trust.default-reject fail accepts-anything',
  ...['registry.redhat.io', 'registry.access.redhat.com', 'quay.io/openshift-release-dev'].map(
    (place) => `trust.redhat-signed fail unsigned @ ${place}`,
  ),
  'trust.namespace-policies notapplicable no-namespace-policies',
  `trust.key-fingerprints notchecked no-baseline @ ${KEY}`,
];

/** What does not pass. */
const CASES: readonly (readonly [name: string, files: Files, expected: readonly string[]])[] = [
  ['with a policy as rolled out', rolledOut(signedBy(KEY), { [KEY]: KEY_TEXT }), []],
  ['whose policy names no key', rolledOut(ACCEPT), NO_KEYS],
  [
    'without MachineConfig and baseline',
    { [POLICY]: signedBy(KEY), [KEY]: KEY_TEXT },
    ['trust.policy-managed notchecked no-oracle'],
  ],
  [
    'whose policy was edited',
    rolledOut(signedBy(KEY), { [KEY]: KEY_TEXT, [POLICY]: `${signedBy(KEY)} ` }),
    ['trust.policy-managed fail content'],
  ],
  ['whose policy is gone', rolledOut(ACCEPT, { [POLICY]: undefined }), MISSING_POLICY],
  [
    'whose MachineConfig is no JSON',
    rolledOut(signedBy(KEY), { [KEY]: KEY_TEXT, [CURRENT]: '{' }),
    ['trust.policy-managed error parse'],
  ],
  [
    'whose MachineConfig does not decode',
    rolledOut(signedBy(KEY), {
      [KEY]: KEY_TEXT,
      [CURRENT]: machineConfigOf({ [POLICY]: '' }).replace('base64,', 'base64,*'),
    }),
    ['trust.policy-managed error parse'],
  ],
  [
    'whose policy has a member that containers/image does not know',
    rolledOut('{"default":[{"type":"reject"}],"transport":{}}'),
    ['trust.policy-valid fail unknown-field', ...NO_POLICY],
  ],
  [
    'whose policy names a member twice',
    rolledOut('{"default":[{"type":"reject"}],"default":[{"type":"reject"}]}'),
    ['trust.policy-valid fail duplicate-key', ...NO_POLICY],
  ],
  ['whose policy is empty', rolledOut(''), ['trust.policy-valid fail json-syntax', ...NO_POLICY]],
  [
    'without container tools',
    { '/etc/hostname': 'x' },
    [
      'trust.policy-valid notapplicable no-container-tools',
      'trust.policy-managed notchecked no-oracle',
      ...NO_POLICY.map((line) =>
        line.replace('unknown no-policy', 'notapplicable no-container-tools'),
      ),
    ],
  ],
  [
    'with podman and no policy',
    { '/usr/bin/podman': '' },
    ['trust.policy-valid fail missing', 'trust.policy-managed notchecked no-oracle', ...NO_POLICY],
  ],
  [
    'whose policy is that of the vendor',
    { '/usr/share/containers/policy.json': ACCEPT },
    ['trust.policy-managed notchecked no-oracle', ...NO_KEYS],
  ],
  [
    'with files in the home of root',
    rolledOut(ACCEPT, {
      '/root/.config/containers/policy.json': signedBy(KEY),
      '/root/.config/containers/registries.d/x.yaml': '',
      [KEY]: KEY_TEXT,
    }),
    [
      'trust.user-override fail override @ /root/.config/containers/policy.json',
      'trust.user-override fail override @ /root/.config/containers/registries.d',
    ],
  ],
  [
    'whose root has another home',
    rolledOut(ACCEPT, {
      '/etc/passwd': 'root:x:0:0:root:/var/roothome:/bin/bash\n',
      '/var/roothome/.config/containers/registries.conf': '',
    }),
    [
      'trust.user-override fail override @ /var/roothome/.config/containers/registries.conf',
      ...NO_KEYS,
    ],
  ],
  [
    'whose unit of CRI-O names another policy and another home',
    rolledOut(ACCEPT, {
      '/usr/lib/systemd/system/crio.service':
        '[Service]\nEnvironment=HOME=/opt/crio CONTAINER_SIGNATURE_POLICY=/opt/own.json\n',
      '/opt/crio/.config/containers/registries.conf': '',
      '/opt/own.json': ACCEPT,
    }),
    [
      'trust.default-reject fail accepts-anything @ /opt/own.json',
      'trust.redhat-signed fail unsigned @ /opt/own.json registry.redhat.io',
      'trust.redhat-signed fail unsigned @ /opt/own.json registry.access.redhat.com',
      'trust.redhat-signed fail unsigned @ /opt/own.json quay.io/openshift-release-dev',
      'trust.user-override fail override @ CONTAINER_SIGNATURE_POLICY of crio.service',
      'trust.user-override fail override @ /opt/crio/.config/containers/registries.conf',
      ...NO_KEYS,
    ],
  ],
  [
    'whose key is missing',
    rolledOut(signedBy(KEY)),
    [`trust.key-files fail missing @ ${KEY}`, `trust.key-fingerprints unknown missing @ ${KEY}`],
  ],
  [
    'whose key is empty',
    rolledOut(signedBy(KEY), { [KEY]: '' }),
    [`trust.key-files fail empty @ ${KEY}`],
  ],
  [
    'whose key has a relative path',
    rolledOut(signedBy('keys/one')),
    [
      'trust.key-files fail relative-path @ keys/one',
      'trust.key-fingerprints unknown relative-path @ keys/one',
    ],
  ],
  [
    'whose CRI-O obeys a policy of its own that is invalid',
    rolledOut(ACCEPT, {
      '/etc/crio/crio.conf.d/50-own': '[crio.image]\nsignature_policy = "/etc/crio/own.json"\n',
      '/etc/crio/own.json': '{}',
    }),
    ['trust.policy-valid fail missing-field @ /etc/crio/own.json', ...NO_OWN_POLICY, ...NO_KEYS],
  ],
  [
    'whose CRI-O obeys a policy that is missing',
    rolledOut(ACCEPT, {
      '/etc/crio/crio.conf.d/50-own': '[crio.image]\nsignature_policy = "/etc/crio/own.json"\n',
    }),
    ['trust.policy-valid fail missing @ /etc/crio/own.json', ...NO_OWN_POLICY, ...NO_KEYS],
  ],
];

for (const [name, files, expected] of CASES) {
  t.test(`a node ${name}`, async (t) => {
    const lines = await say(trustPolicy, t.testdir(treeOf(files)));
    t.strictSame(
      lines.filter((line) => !/ pass( @|$)/.test(line) && !USUAL.includes(line)),
      expected,
    );
    const spoken = new Set(lines.map((line) => line.split(' ')[0]));
    t.strictSame(
      [...spoken],
      trustPolicy.rules.map(({ id }) => id),
      'every rule speaks',
    );
  });
}

t.test('an invalid policy is shown with its place', async (t) => {
  const root = t.testdir(treeOf(rolledOut('{\n  "default": [],\n}')));
  const findings = await trustPolicy.run(contextAt(root), AbortSignal.timeout(5000));
  const finding = findings.find(({ ruleId }) => ruleId === 'trust.policy-valid');
  t.match(finding?.observed, { path: POLICY, line: Number, column: Number });
  t.equal(finding?.severity, 'critical');
});

t.test('a difference is shown by the hashes of both sides', async (t) => {
  const root = t.testdir(treeOf(rolledOut(ACCEPT, { [POLICY]: signedBy(KEY) })));
  const findings = await trustPolicy.run(contextAt(root), AbortSignal.timeout(5000));
  const finding = findings.find(({ ruleId }) => ruleId === 'trust.policy-managed');
  t.match(finding?.observed, { sha256: sha256(signedBy(KEY)) });
  t.match(finding?.expected, { sha256: sha256(ACCEPT) });
  t.match(finding?.message, 'rendered-worker-1');
});

t.test('a managed policy with another mode, or a link in its place, is drift', async (t) => {
  const root = t.testdir(treeOf(rolledOut(ACCEPT)));
  chmodSync(`${root}${POLICY}`, 0o666);
  t.ok((await say(trustPolicy, root)).includes('trust.policy-managed fail mode'));
  rmSync(`${root}${POLICY}`);
  writeFileSync(`${root}/etc/containers/elsewhere.json`, ACCEPT, { mode: 0o644 });
  symlinkSync('elsewhere.json', `${root}${POLICY}`);
  t.ok((await say(trustPolicy, root)).includes('trust.policy-managed fail link'));
  rmSync(`${root}/etc/containers/elsewhere.json`);
  t.ok((await say(trustPolicy, root)).includes('trust.policy-managed fail dangling-link'));
});

t.test('a policy that was accepted is held to its baseline', async (t) => {
  const root = t.testdir(treeOf({ [POLICY]: ACCEPT }));
  const baselineOf = (text: string) =>
    captureBaseline({
      findings: [],
      files: { [POLICY]: { sha256: sha256(text), mode: 0o644 } },
      acceptedAt: '2026-01-01T00:00:00Z',
      acceptedBy: 'admin',
    });
  t.ok((await say(trustPolicy, root, baselineOf(ACCEPT))).includes('trust.policy-managed pass'));
  t.ok(
    (await say(trustPolicy, root, baselineOf('x'))).includes('trust.policy-managed fail content'),
  );
});

t.test('a key that others can write fails, and only that key', async (t) => {
  const other = '/etc/pki/rpm-gpg/other';
  const policy = JSON.stringify({
    default: [{ type: 'signedBy', keyType: 'GPGKeys', keyPaths: [KEY, other] }],
  });
  const root = t.testdir(treeOf({ [POLICY]: policy, [KEY]: KEY_TEXT, [other]: KEY_TEXT }));
  for (const mode of [0o664, 0o646, 0o777]) {
    chmodSync(`${root}${other}`, mode);
    const lines = (await say(trustPolicy, root)).filter((line) =>
      line.startsWith('trust.key-files'),
    );
    t.strictSame(lines, [
      `trust.key-files pass @ ${KEY}`,
      `trust.key-files fail writable @ ${other}`,
    ]);
  }
  chmodSync(`${root}${other}`, 0o600);
  t.ok((await say(trustPolicy, root)).includes(`trust.key-files pass @ ${other}`));
});

const CHANGES: readonly (readonly [
  name: string,
  was: string,
  is: string,
  effect: string | undefined,
  severity: string,
])[] = [
  ['that accepts more', signedBy(KEY), ACCEPT, 'weakened', 'high'],
  ['that accepts less', ACCEPT, '{"default":[{"type":"reject"}]}', 'strengthened', 'high'],
  [
    'that is only written otherwise',
    ACCEPT,
    ACCEPT.replaceAll('"default":', '"default" :'),
    'neutral',
    'low',
  ],
  ['that is none any more', ACCEPT, '{', undefined, 'high'],
];

for (const [name, was, is, effect, severity] of CHANGES) {
  t.test(`a change to a policy ${name} is weighed`, async (t) => {
    const root = t.testdir(treeOf({ ...rolledOut(was), [POLICY]: is }));
    const findings = await trustPolicy.run(contextAt(root), AbortSignal.timeout(5000));
    const finding = findings.find(({ ruleId }) => ruleId === 'trust.policy-managed');
    t.equal(finding?.reason, 'content');
    t.equal(finding?.observed['effect'], effect);
    t.equal(finding?.severity, severity);
    if (effect === 'weakened') t.match(finding?.message, /weakened: /);
    if (effect === 'strengthened') t.match(finding?.message, /strengthened: /);
  });
}

t.test('the message names every change of meaning, the weakened first', async (t) => {
  const scopes = (docker: object) =>
    JSON.stringify({ default: [{ type: 'reject' }], transports: { docker } });
  const accept = [{ type: 'insecureAcceptAnything' }];
  const was = scopes({ 'a.test': accept, 'b.test': [{ type: 'reject' }] });
  const is = scopes({ 'a.test': [{ type: 'reject' }], 'b.test': accept });
  const root = t.testdir(treeOf({ ...rolledOut(was), [POLICY]: is }));
  const findings = await trustPolicy.run(contextAt(root), AbortSignal.timeout(5000));
  const finding = findings.find(({ ruleId }) => ruleId === 'trust.policy-managed');
  t.match(finding?.message, /weakened: b\.test .*; strengthened: a\.test /);
  t.match(finding?.observed, { effect: 'weakened', weakened: 1, strengthened: 1, neutral: 0 });
  const many = scopes(
    Object.fromEntries(['1', '2', '3', '4', '5', '6', '7'].map((n) => [`${n}.test`, accept])),
  );
  const wide = t.testdir(treeOf({ ...rolledOut(was), [POLICY]: many }));
  const [, changed] = await trustPolicy.run(contextAt(wide), AbortSignal.timeout(5000));
  t.match(changed?.message, /\(and 3 more changes\)$/);
});
