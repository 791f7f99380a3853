// One piece: a table of nodes for the rules of one check, which read the same few files.
import { symlinkSync } from 'node:fs';
import t from 'tap';
import { fips } from '../../../agent/checks/fips.ts';
import type { Finding } from '../../../shared/findings.ts';
import { contextAt, say, treeOf } from '../../support/host-tree.ts';

const ENTRIES = '/boot/loader/entries';
const OWN = '/etc/crypto-policies/policies';
const BACK_END = '/etc/crypto-policies/back-ends/openssl.config';
type Files = Readonly<Record<string, string | undefined>>;

interface Places {
  readonly kernel: 0 | 1;
  readonly now: boolean;
  readonly next: boolean;
  readonly policy: string;
  readonly intent: boolean;
}
const ON: Places = { kernel: 1, now: true, next: true, policy: 'FIPS', intent: true };
const OFF: Places = { kernel: 0, now: false, next: false, policy: 'DEFAULT', intent: false };

function node({ kernel, now, next, policy, intent }: Places, others: Files = {}): Files {
  const base = policy.split(':')[0];
  return {
    '/proc/1/cgroup': '0::/init.scope\n',
    '/proc/sys/crypto/fips_enabled': `${kernel}\n`,
    '/proc/sys/kernel/osrelease': '5.14.0-427.26.1.el9_4.x86_64\n',
    '/proc/cmdline': `root=UUID=1${now ? ' fips=1' : ''} boot=UUID=2\n`,
    [`${ENTRIES}/ostree-1-rhcos.conf`]: `options root=UUID=1${next ? ' fips=1' : ''}\n`,
    '/etc/crypto-policies/config': `# wanted\n${policy}\n`,
    '/etc/crypto-policies/state/current': `${policy}\n`,
    [`/usr/share/crypto-policies/${base}/openssl.txt`]: '',
    '/etc/machine-config-daemon/currentconfig': JSON.stringify({ spec: { fips: intent } }),
    ...others,
  };
}

const NOTHING_TO_HIDE = 'notapplicable medium fips-off';

/** The half states of FIPS, row by row; what is not named passes. */
const STATES: readonly (readonly [
  row: string,
  files: Files,
  expected: Readonly<Record<string, string>>,
])[] = [
  ['fully on', node(ON), {}],
  [
    'kernel-only: the crypto policy is another',
    node({ ...ON, policy: 'DEFAULT' }),
    { 'crypto-policy': 'fail high kernel-only' },
  ],
  [
    'policy-only: neither kernel nor arguments',
    node({ ...OFF, policy: 'FIPS' }),
    {
      'kernel-enabled': 'fail high policy-only',
      now: 'fail high missing',
      next: 'fail high missing',
      'container-override': NOTHING_TO_HIDE,
    },
  ],
  [
    'pending reboot',
    node({ ...OFF, next: true, policy: 'FIPS', intent: true }),
    {
      'kernel-enabled': 'fail medium pending-reboot',
      now: 'fail medium pending-reboot',
      'cluster-intent': 'fail medium pending-reboot',
      'container-override': NOTHING_TO_HIDE,
    },
  ],
  [
    'lost at reboot: the argument was removed',
    node({ ...ON, next: false }),
    { next: 'fail high lost-at-reboot' },
  ],
  [
    'refused: the argument is there, the kernel is not in FIPS mode',
    node({ ...ON, kernel: 0, intent: false }),
    { 'kernel-enabled': 'fail high refused', 'container-override': NOTHING_TO_HIDE },
  ],
  [
    'refused by a later fips=0',
    node({ ...ON, kernel: 0, intent: false }, { '/proc/cmdline': 'fips=1 fips=0 boot=UUID=2\n' }),
    {
      'kernel-enabled': 'fail high refused',
      now: 'fail high overruled',
      'container-override': NOTHING_TO_HIDE,
    },
  ],
  [
    'the MachineConfig says FIPS, the node knows nothing of it',
    node({ ...OFF, intent: true }),
    {
      'kernel-enabled': 'fail high not-enabled',
      now: 'fail high missing',
      next: 'fail high missing',
      'crypto-policy': 'fail high not-fips',
      'cluster-intent': 'fail critical node-not-fips',
      'container-override': NOTHING_TO_HIDE,
    },
  ],
  [
    'FIPS without the cluster’s intent',
    node({ ...ON, intent: false }),
    { 'cluster-intent': 'fail low not-cluster-intent' },
  ],
  [
    'FIPS with a module that relaxes it',
    node({ ...ON, policy: 'FIPS:AD-SUPPORT' }),
    { 'crypto-policy': 'fail medium relaxed' },
  ],
  [
    'FIPS with a module of the site',
    node({ ...ON, policy: 'FIPS:OSPP:ACME' }),
    { 'crypto-policy': 'fail medium relaxed' },
  ],
  ['FIPS with a module that keeps it strict', node({ ...ON, policy: 'FIPS:OSPP' }), {}],
  [
    'FIPS with a module that kept it strict, and that this node has of its own',
    node({ ...ON, policy: 'FIPS:OSPP' }, { [`${OWN}/modules/OSPP.pmod`]: 'hash = MD5+\n' }),
    { 'crypto-policy': 'fail medium relaxed' },
  ],
  [
    'FIPS of this node’s own under a module',
    node({ ...ON, policy: 'FIPS:OSPP' }, { [`${OWN}/FIPS.pol`]: 'hash = MD5\n' }),
    { 'crypto-policy': 'fail medium relaxed' },
  ],
  [
    'FIPS by links to the vendor’s files, beside policies of this node’s own',
    node(ON, { [`${OWN}/FIPS.pol`]: 'hash = MD5\n', [`${OWN}/modules/OSPP.pmod`]: '' }),
    {},
  ],
  [
    'no boot= although /boot is a file system of its own',
    node(ON, {
      '/proc/cmdline': 'root=UUID=1 fips=1\n',
      '/proc/1/mounts': '/dev/sda4 / xfs rw 0 0\n/dev/sda3 /boot ext4 rw 0 0\n',
    }),
    { now: 'fail low no-boot-argument' },
  ],
  [
    'no boot= and no /boot of its own',
    node(ON, { '/proc/cmdline': 'fips=1\n', '/proc/1/mounts': '/dev/sda4 / xfs rw 0 0\n' }),
    {},
  ],
  [
    'configured and not applied',
    node(ON, { '/etc/crypto-policies/state/current': 'DEFAULT\n' }),
    {
      'crypto-policy': 'fail high kernel-only',
      'crypto-policy-applied': 'fail medium not-applied',
    },
  ],
  [
    'applied and configured otherwise',
    node(ON, { '/etc/crypto-policies/config': 'LEGACY\n' }),
    { 'crypto-policy-applied': 'fail medium not-applied' },
  ],
  [
    'no crypto policy where there should be one',
    node(ON, {
      '/etc/crypto-policies/config': undefined,
      '/etc/crypto-policies/state/current': '# nothing\n',
    }),
    { 'crypto-policy': 'fail high missing', 'crypto-policy-applied': 'fail medium missing' },
  ],
  [
    'a back end that is a file of its own',
    node(ON, { [BACK_END]: 'MinProtocol = TLSv1\n' }),
    { 'crypto-policy-applied': 'fail medium back-end' },
  ],
  [
    'a back end with local additions, which is a file',
    node(ON, { [BACK_END]: '', '/etc/crypto-policies/local.d/openssl-site.config': '' }),
    {},
  ],
  [
    'the back end of nss, which is a file',
    node(ON, { [BACK_END.replace('openssl', 'nss')]: '' }),
    {},
  ],
  [
    'back ends under modules, which are files',
    node({ ...ON, policy: 'FIPS:OSPP' }, { [BACK_END]: '' }),
    {},
  ],
  [
    'without a MachineConfig',
    node(ON, { '/etc/machine-config-daemon/currentconfig': undefined }),
    { 'cluster-intent': 'notapplicable high no-machine-config' },
  ],
  [
    'with an empty MachineConfig, as on HyperShift',
    node(ON, { '/etc/machine-config-daemon/currentconfig': '' }),
    { 'cluster-intent': 'notapplicable high no-machine-config' },
  ],
  [
    'with a MachineConfig that is no JSON',
    node(ON, { '/etc/machine-config-daemon/currentconfig': '{"spec": ' }),
    { 'cluster-intent': 'error high parse' },
  ],
  [
    'without crypto policies, as on Debian',
    node(ON, {
      '/etc/crypto-policies/config': undefined,
      '/etc/crypto-policies/state/current': undefined,
      '/usr/share/crypto-policies/FIPS/openssl.txt': undefined,
    }),
    {
      'crypto-policy': 'notapplicable high no-crypto-policies',
      'crypto-policy-applied': 'notapplicable medium no-crypto-policies',
    },
  ],
  [
    'without /boot',
    node(ON, { [`${ENTRIES}/ostree-1-rhcos.conf`]: undefined }),
    { next: 'error high not-visible' },
  ],
  [
    'of which procfs is not visible',
    node(ON, {
      '/proc/sys/crypto/fips_enabled': undefined,
      '/proc/sys/kernel/osrelease': undefined,
      '/proc/cmdline': undefined,
    }),
    {
      'kernel-enabled': 'error high not-visible',
      now: 'error high not-visible',
      'cluster-intent': 'error high not-visible',
      'container-override': 'error medium not-visible',
    },
  ],
  [
    'whose kernel was built without FIPS',
    node(ON, { '/proc/sys/crypto/fips_enabled': undefined }),
    {
      'kernel-enabled': 'fail high refused',
      'cluster-intent': 'fail high refused',
      'container-override': NOTHING_TO_HIDE,
    },
  ],
];

for (const [row, files, expected] of STATES) {
  t.test(`FIPS: ${row}`, async (t) => {
    t.strictSame(await judge(t.testdir(treeOf(files))), {
      'kernel-enabled': 'pass high',
      now: 'pass high',
      next: 'pass high',
      'crypto-policy': 'pass high',
      'crypto-policy-applied': 'pass medium',
      'cluster-intent': 'pass high',
      'container-override': 'pass medium',
      ...expected,
    });
  });
}

const yesNo = [true, false];
const policies = ['FIPS', 'DEFAULT'];
/** Each half state with everything that it leaves open, and the gravest answer to it. */
const VERDICTS: readonly (readonly [
  name: string,
  state: string,
  nodes: readonly Files[],
  verdict: string,
])[] = [
  ['fully on', 'on', [node(ON)], 'pass'],
  [
    'the kernel alone',
    'kernel-only',
    yesNo.flatMap((intent) =>
      ['DEFAULT', 'LEGACY'].map((policy) => node({ ...ON, policy, intent })),
    ),
    'fail high',
  ],
  ['the crypto policy alone', 'policy-only', [node({ ...OFF, policy: 'FIPS' })], 'fail high'],
  [
    'a reboot is pending',
    'pending-reboot',
    yesNo.flatMap((intent) =>
      policies.map((policy) => node({ ...OFF, next: true, policy, intent })),
    ),
    'fail medium',
  ],
  ['lost at the next boot', 'lost-at-reboot', [node({ ...ON, next: false })], 'fail high'],
  [
    'refused by the kernel',
    'refused',
    yesNo.flatMap((intent) => policies.map((policy) => node({ ...ON, kernel: 0, policy, intent }))),
    'fail high',
  ],
  [
    'refused by a later fips=0, now and at the next boot',
    'refused',
    yesNo.map((intent) =>
      node(
        { ...ON, kernel: 0, intent },
        {
          '/proc/cmdline': 'fips=1 boot=UUID=2 fips=0\n',
          [`${ENTRIES}/ostree-1-rhcos.conf`]: 'options fips=1 boot=UUID=2 fips=0\n',
        },
      ),
    ),
    'fail high',
  ],
  [
    'asked for by the MachineConfig alone',
    'not-enabled',
    [node({ ...OFF, intent: true })],
    'fail critical',
  ],
  [
    'on without the intent of the cluster',
    'not-cluster-intent',
    [node({ ...ON, intent: false })],
    'fail low',
  ],
  [
    'on with a module that relaxes it',
    'relaxed',
    ['AD-SUPPORT', 'AD-SUPPORT-LEGACY', 'NO-ENFORCE-EMS', 'SHA1', 'GOST', 'SITE'].map((module) =>
      node({ ...ON, policy: `FIPS:${module}` }),
    ),
    'fail medium',
  ],
  [
    'on without boot= although /boot is a file system of its own',
    'on',
    [
      node(ON, {
        '/proc/cmdline': 'fips=1\n',
        '/proc/1/mounts': '/dev/sda3 /boot ext4 rw 0 0\n',
      }),
    ],
    'fail low',
  ],
];

for (const [name, state, nodes, verdict] of VERDICTS) {
  t.test(`FIPS that is ${name} goes by ${state} and is ${verdict} at the worst`, async (t) => {
    for (const files of nodes) {
      const root = t.testdir(treeOf(files));
      const findings = await fips.run(contextAt(root), AbortSignal.timeout(5000));
      t.equal(gravest(findings), verdict);
      t.equal(findings[0]?.observed['state'] ?? 'unsaid', state);
    }
  });
}

function gravest(findings: readonly Finding[]): string {
  const failed = findings.filter(({ result }) => result === 'fail');
  const worst = ['critical', 'high', 'medium', 'low'].find((severity) =>
    failed.some((finding) => finding.severity === severity),
  );
  return worst === undefined ? 'pass' : `fail ${worst}`;
}

t.test('a profile that requires FIPS expects it of a node that asks for nothing', async (t) => {
  const root = t.testdir(treeOf(node(OFF)));
  t.strictSame(await say(fips, root, undefined, { fips: 'required' }), [
    'fips.kernel-enabled fail not-enabled',
    'fips.kernel-args fail missing @ /proc/cmdline',
    `fips.kernel-args fail missing @ ${ENTRIES}`,
    'fips.crypto-policy fail not-fips',
    'fips.crypto-policy-applied pass',
    'fips.cluster-intent pass',
    'fips.container-override notapplicable fips-off',
  ]);
});

t.test('no profile requires FIPS of an architecture without it', async (t) => {
  const others = { '/proc/sys/kernel/osrelease': '5.14.0-427.el9.aarch64\n' };
  const root = t.testdir(treeOf(node(OFF, others)));
  t.strictSame(
    await say(fips, root, undefined, { fips: 'required' }),
    fips.rules.map(({ id }) => `${id} notapplicable unsupported-architecture`),
  );
});

const ID = 'c'.repeat(64);
const CRIO = '/etc/crio/crio.conf.d';
const hiding = (annotations: Readonly<Record<string, unknown>>): Files => ({
  '/proc/700/cgroup': `0::/kubepods.slice/crio-${ID}.scope\n`,
  '/proc/700/status': 'Seccomp:\t2\n',
  [`/run/containers/storage/overlay-containers/${ID}/userdata/config.json`]: JSON.stringify({
    annotations: {
      'io.kubernetes.pod.name': 'cart-0',
      'io.kubernetes.pod.namespace': 'shop',
      'io.kubernetes.container.name': 'web',
      ...annotations,
    },
  }),
});
const allowed = (...annotations: readonly string[]): string =>
  `[crio.runtime.runtimes.crun]\nallowed_annotations = ${JSON.stringify(annotations)}\n`;
const OLD = 'io.kubernetes.cri-o.DisableFIPS';
const NEW = 'disable-fips.crio.io';

/** What `fips.container-override` says of a node that is fully in FIPS mode. */
const OVERRIDES: readonly (readonly [name: string, files: Files, expected: readonly string[]])[] = [
  ['without containers', {}, ['pass']],
  ['with a container that asks for nothing', hiding({}), ['pass']],
  ['with the old annotation', hiding({ [OLD]: 'true' }), ['fail fips-hidden @ shop/cart-0/web']],
  ['with the new annotation', hiding({ [NEW]: 'true' }), ['fail fips-hidden @ shop/cart-0/web']],
  ['with an annotation that says false', hiding({ [OLD]: 'false' }), ['pass']],
  ['with an annotation that is no text', hiding({ [OLD]: true }), [`error parse @ ${ID}`]],
  [
    'with the sandbox of such a pod',
    hiding({ [OLD]: 'true', 'io.kubernetes.cri-o.ContainerType': 'sandbox' }),
    ['pass'],
  ],
  [
    'with a container of which only the files are left',
    { ...hiding({ [OLD]: 'true' }), '/proc/700/cgroup': undefined },
    ['pass'],
  ],
  [
    'with a container whose config.json is not there',
    {
      '/proc/700/cgroup': `0::/kubepods.slice/crio-${ID}.scope\n`,
      '/proc/700/status': 'Seccomp:\t2\n',
    },
    ['unknown no-config @ config.json'],
  ],
  [
    'with a container of podman whose config.json is not there',
    {
      '/proc/700/cgroup': `0::/machine.slice/libpod-${ID}.scope\n`,
      '/proc/700/status': 'Seccomp:\t2\n',
    },
    ['pass'],
  ],
  [
    'whose container hides FIPS and whose CRI-O is configured by no TOML',
    { ...hiding({ [NEW]: 'true' }), [`${CRIO}/10-a`]: '[[' },
    ['fail fips-hidden @ shop/cart-0/web', `error parse @ ${CRIO}/10-a`],
  ],
  [
    'whose CRI-O would permit it',
    { [`${CRIO}/10-a`]: allowed('io.kubernetes.cri-o.userns-mode', NEW) },
    ['fail override-allowed @ runtime crun'],
  ],
  [
    'whose CRI-O would permit it to a workload',
    { [`${CRIO}/10-a`]: allowed(NEW).replace('runtimes.crun', 'workloads.batch') },
    ['fail override-allowed @ workload batch'],
  ],
  ['whose CRI-O permits something else', { [`${CRIO}/10-a`]: allowed('x') }, ['pass']],
  [
    'whose CRI-O has the runtime replaced by a later file',
    {
      [`${CRIO}/10-a`]: allowed(NEW),
      [`${CRIO}/20-b`]: '[crio.runtime.runtimes.crun]\nruntime_path = "/usr/bin/crun"\n',
    },
    ['pass'],
  ],
  [
    'with both',
    { ...hiding({ [NEW]: 'true' }), [`${CRIO}/10-a`]: allowed(OLD) },
    ['fail fips-hidden @ shop/cart-0/web', 'fail override-allowed @ runtime crun'],
  ],
  [
    'whose CRI-O is configured by no TOML',
    { [`${CRIO}/10-a`]: '[[' },
    ['error parse @ /etc/crio/crio.conf.d/10-a'],
  ],
  [
    'whose list has the wrong type',
    { [`${CRIO}/10-a`]: '[crio.runtime.runtimes.crun]\nallowed_annotations = "all"\n' },
    ['error parse @ /etc/crio/crio.conf.d/10-a'],
  ],
  [
    'whose runtimes are no tables',
    { [`${CRIO}/10-a`]: '[crio.runtime]\nruntimes = 1\n' },
    ['pass'],
  ],
];

for (const [name, files, expected] of OVERRIDES) {
  t.test(`what hides FIPS on a node ${name}`, async (t) => {
    const lines = await say(fips, t.testdir(treeOf(node(ON, files))));
    const rule = 'fips.container-override ';
    t.strictSame(
      lines.filter((line) => line.startsWith(rule)),
      expected.map((line) => rule + line),
    );
  });
}

t.test('a permission alone is a warning, a container that uses it is not', async (t) => {
  const files = { ...hiding({ [NEW]: 'true' }), [`${CRIO}/10-a`]: allowed(NEW) };
  const root = t.testdir(treeOf(node(ON, files)));
  const findings = await fips.run(contextAt(root), AbortSignal.timeout(5000));
  t.strictSame(
    findings
      .filter(({ ruleId }) => ruleId === 'fips.container-override')
      .map(({ reason, severity }) => [reason, severity]),
    [
      ['fips-hidden', 'medium'],
      ['override-allowed', 'low'],
    ],
  );
});

t.test('a node where nothing is FIPS or asks for it has nothing to answer for', async (t) => {
  const expected = fips.rules.map(({ id }) => `${id} notapplicable not-expected`);
  t.strictSame(await say(fips, t.testdir(treeOf(node(OFF)))), expected);
});

t.test('a node where everything is off goes by off', async (t) => {
  const root = t.testdir(treeOf(node(OFF)));
  const [first] = await fips.run(contextAt(root), AbortSignal.timeout(5000));
  t.strictSame(first?.observed, { kernel: false, state: 'off' });
});

t.test('a node of an architecture without FIPS says so', async (t) => {
  const others = { '/proc/sys/kernel/osrelease': '5.14.0-427.el9.aarch64\n' };
  const lines = await say(fips, t.testdir(treeOf(node(OFF, others))));
  t.equal(lines[0], 'fips.kernel-enabled notapplicable unsupported-architecture');
});

t.test('a policy that is not applied fails where FIPS is not asked for, too', async (t) => {
  const others = { '/etc/crypto-policies/config': 'FUTURE\n' };
  const lines = await say(fips, t.testdir(treeOf(node(OFF, others))));
  t.ok(lines.includes('fips.crypto-policy-applied fail not-applied'));
});

t.test('back ends that are links are held to where they lead', async (t) => {
  const links: readonly (readonly [target: string, expected: string])[] = [
    ['/usr/share/crypto-policies/FIPS/openssl.txt', 'pass'],
    ['../../../usr/share/crypto-policies/FIPS/openssl.txt', 'pass'],
    ['/usr/share/crypto-policies/FIPS/gone.txt', 'fail back-end'],
    ['/usr/share/crypto-policies/LEGACY/openssl.txt', 'fail back-end'],
    ['/usr/share/crypto-policies/FIPS-not/openssl.txt', 'fail back-end'],
    ['/etc/crypto-policies/hand-made.txt', 'fail back-end'],
    ['/etc/hand-made.txt', 'fail back-end'],
  ];
  for (const [target, expected] of links) {
    const tree = treeOf(
      node(ON, {
        '/etc/hand-made.txt': '',
        '/etc/crypto-policies/hand-made.txt': '',
        '/usr/share/crypto-policies/LEGACY/openssl.txt': '',
        '/usr/share/crypto-policies/FIPS-not/openssl.txt': '',
        '/etc/crypto-policies/back-ends/x': '',
      }),
    );
    const root = t.testdir(tree);
    symlinkSync(target, `${root}${BACK_END}`);
    const lines = await say(fips, root);
    t.ok(lines.includes(`fips.crypto-policy-applied ${expected}`), target);
  }
});

const VENDORS = '/usr/share/crypto-policies';
/** What EL10 shows where it mounted FIPS over another policy: files, for a mount is no link. */
const MOUNTED: Files = {
  '/etc/crypto-policies/config': 'FIPS\n',
  '/etc/crypto-policies/state/current': 'DEFAULT\n',
  [BACK_END]: 'strict\n',
  [`${VENDORS}/back-ends/FIPS/openssl.config`]: 'strict\n',
  [`${VENDORS}/FIPS/openssl.txt`]: 'strict\n',
};

const MOUNTS: readonly (readonly [name: string, change: Files, policy: string, applied: string])[] =
  [
    ['over another policy', {}, 'pass', 'pass'],
    [
      'over the back ends alone',
      { '/etc/crypto-policies/config': 'DEFAULT\n' },
      'fail kernel-only',
      'fail back-end',
    ],
    [
      'over the configuration alone',
      { [BACK_END]: 'lax\n' },
      'fail kernel-only',
      'fail not-applied',
    ],
    [
      'over nothing, for the vendor has no such back end',
      { [`${VENDORS}/back-ends/FIPS/openssl.config`]: undefined },
      'fail kernel-only',
      'fail not-applied',
    ],
  ];

for (const [name, change, policy, applied] of MOUNTS) {
  t.test(`FIPS that the boot mounted ${name}: ${policy}, ${applied}`, async (t) => {
    const files = node(ON, { [`${VENDORS}/DEFAULT/openssl.txt`]: 'lax\n', ...MOUNTED, ...change });
    const lines = await say(fips, t.testdir(treeOf(files)));
    t.ok(lines.includes(`fips.crypto-policy ${policy}`), lines.join('\n'));
    t.ok(lines.includes(`fips.crypto-policy-applied ${applied}`), lines.join('\n'));
  });
}

/** Result, severity and reason by the last part of the rule's id; kernel-args by its two subjects. */
async function judge(root: string): Promise<Readonly<Record<string, string>>> {
  const findings = await fips.run(contextAt(root), AbortSignal.timeout(5000));
  return Object.fromEntries(
    findings.map(({ ruleId, subject, result, severity, reason }) => {
      const name = subject === '/proc/cmdline' ? 'now' : subject === ENTRIES ? 'next' : undefined;
      const words = [result, severity, ...(reason === undefined ? [] : [reason])];
      return [
        ruleId === 'fips.kernel-args' && name !== undefined ? name : ruleId.slice('fips.'.length),
        words.join(' '),
      ];
    }),
  );
}
