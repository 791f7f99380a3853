// One piece: a table of nodes for the rules of one check, which judge the same files.
import t from 'tap';
import { registries } from '../../../agent/checks/registries.ts';
import { captureBaseline } from '../../../agent/desired/baseline.ts';
import { sha256 } from '../../../shared/canonical.ts';
import { contextAt, say, treeOf } from '../../support/host-tree.ts';
import { machineConfigOf } from '../../support/machine-config.ts';

const FOLDER = '/etc/containers/registries.d';
const DEFAULT = `${FOLDER}/default.yaml`;
const POLICY = '/etc/containers/policy.json';
const CURRENT = '/etc/machine-config-daemon/currentconfig';
type Files = Readonly<Record<string, string | undefined>>;

const QUAY = 'docker:\n  quay.io:\n    lookaside: https://sig.example.test/quay\n';
const SIGNED = [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/etc/key' }];
const SIGSTORE = [{ type: 'sigstoreSigned', keyPath: '/etc/key' }];
function policy(scopes: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ default: [{ type: 'reject' }], transports: { docker: scopes } });
}

/** A CoreOS node whose files are all rolled out, but for `beside` and `instead`. */
function node(managed: Readonly<Record<string, string>>, others: Files = {}): Files {
  return {
    '/etc/os-release': 'ID=rhcos\nVARIANT_ID=coreos\n',
    [CURRENT]: machineConfigOf(managed),
    ...managed,
    ...others,
  };
}
const GOOD = { [`${FOLDER}/quay.yaml`]: QUAY, [POLICY]: policy({ 'quay.io': SIGNED }) };
const registryOf = (
  text: string,
  scopes: Readonly<Record<string, unknown>> = { 'quay.io': SIGNED },
) => node({ [`${FOLDER}/quay.yaml`]: text, [POLICY]: policy(scopes) });

const NOT_READ = [
  'registries.lookaside-urls unknown not-read',
  'registries.policy-coherence unknown not-read',
];

/** No list of approved registries, and no mirrors. */
const USUAL = [
  'registries.allowed-effective notapplicable no-approved-list',
  'registries.mirrors notapplicable no-mirrors',
];

/** What does not pass. */
const CASES: readonly (readonly [name: string, files: Files, expected: readonly string[]])[] = [
  ['in order', node(GOOD), []],
  [
    'without registries.d',
    node({ [POLICY]: policy({ 'quay.io': SIGNED }) }),
    [
      'registries.lookaside-valid notapplicable no-registries-d',
      'registries.lookaside-managed notchecked no-oracle',
      'registries.lookaside-urls notapplicable no-lookaside',
      'registries.policy-coherence fail no-lookaside @ quay.io',
    ],
  ],
  [
    'with one namespace in two files',
    node({ ...GOOD, [`${FOLDER}/zz.yaml`]: QUAY }),
    ['registries.lookaside-valid fail duplicate-scope', ...NOT_READ],
  ],
  [
    'with a file that is no YAML',
    node({ ...GOOD, [`${FOLDER}/zz.yaml`]: 'docker: [\n' }),
    ['registries.lookaside-valid fail yaml', ...NOT_READ],
  ],
  [
    'with a misspelt member',
    registryOf(`${QUAY}    lookasid: https://x.test\n`),
    [
      `registries.lookaside-valid fail ignored-member @ ${FOLDER}/quay.yaml docker["quay.io"].lookasid`,
    ],
  ],
  [
    'with a file that nobody reads',
    node({ ...GOOD, [`${FOLDER}/dead.yml`]: QUAY }),
    [`registries.lookaside-valid fail ignored-file @ ${FOLDER}/dead.yml`],
  ],
  [
    'with a changed file',
    node(GOOD, { [`${FOLDER}/quay.yaml`]: QUAY.replace('sig.', 'other.') }),
    [`registries.lookaside-managed fail content @ ${FOLDER}/quay.yaml`],
  ],
  [
    'with a missing file',
    node(GOOD, { [`${FOLDER}/quay.yaml`]: undefined, [`${FOLDER}/.keep`]: undefined }),
    [
      'registries.lookaside-valid notapplicable no-registries-d',
      `registries.lookaside-managed fail missing @ ${FOLDER}/quay.yaml`,
      'registries.lookaside-urls notapplicable no-lookaside',
      'registries.policy-coherence fail no-lookaside @ quay.io',
    ],
  ],
  [
    'with two changed files, each named',
    node(
      { ...GOOD, [DEFAULT]: 'default-docker: {}\n' },
      { [`${FOLDER}/quay.yaml`]: `${QUAY}#`, [DEFAULT]: 'default-docker: {} #\n' },
    ),
    [
      `registries.lookaside-managed fail content @ ${DEFAULT}`,
      `registries.lookaside-managed fail content @ ${FOLDER}/quay.yaml`,
    ],
  ],
  [
    'with a lookaside over http',
    registryOf(QUAY.replace('https', 'http')),
    ['registries.lookaside-urls fail http @ quay.io'],
  ],
  [
    'with http under the old name of the member',
    registryOf('docker:\n  quay.io:\n    sigstore: http://sig.example.test\n'),
    ['registries.lookaside-urls fail http @ quay.io'],
  ],
  [
    'with http where nothing is read, because the new name goes first',
    registryOf(`${QUAY}  x.test:\n    lookaside-staging: http://sig.example.test\n`),
    [],
  ],
  [
    'with the default over http',
    node({ ...GOOD, [DEFAULT]: 'default-docker:\n  lookaside: http://sig.example.test\n' }),
    ['registries.lookaside-urls fail http @ default-docker'],
  ],
  [
    'with an address no program can ask',
    registryOf('docker:\n  quay.io:\n    lookaside: ftp://sig.example.test\n'),
    ['registries.lookaside-urls fail scheme @ quay.io'],
  ],
  [
    'with a lookaside on its own disk, as rolled out',
    registryOf('docker:\n  quay.io:\n    lookaside: file:///srv/sig\n'),
    [],
  ],
  [
    'with a lookaside on its own disk that nobody rolled out',
    node(
      { [POLICY]: policy({ 'quay.io': SIGNED }) },
      { [`${FOLDER}/own.yaml`]: 'docker:\n  quay.io:\n    lookaside: file:///srv/sig\n' },
    ),
    [
      'registries.lookaside-managed notchecked no-oracle',
      'registries.lookaside-urls fail file @ quay.io',
      `registries.unmanaged-files fail unmanaged @ ${FOLDER}/own.yaml`,
    ],
  ],
  [
    'with a lookaside on its own disk, as the operating system brought it',
    node(
      { [POLICY]: policy({ 'quay.io': SIGNED }) },
      {
        [`${FOLDER}/own.yaml`]: 'docker:\n  quay.io:\n    lookaside: file:///srv/sig\n',
        [`/usr${FOLDER}/own.yaml`]: 'docker:\n  quay.io:\n    lookaside: file:///srv/sig\n',
      },
    ),
    ['registries.lookaside-managed notchecked no-oracle'],
  ],
  [
    'that asks for Red Hat’s signatures and has no address of them',
    registryOf(QUAY, { 'registry.redhat.io': SIGNED }),
    [
      'registries.lookaside-urls fail missing @ registry.redhat.io',
      'registries.policy-coherence fail no-lookaside @ registry.redhat.io',
    ],
  ],
  [
    'that asks for Red Hat’s signatures in sigstore’s form',
    registryOf(`${QUAY}  registry.redhat.io:\n    use-sigstore-attachments: true\n`, {
      'quay.io': SIGNED,
      'registry.redhat.io': SIGSTORE,
    }),
    [],
  ],
  [
    'with http where only sigstore signatures are asked for',
    registryOf(
      'docker:\n  quay.io:\n    lookaside: http://sig.test\n    use-sigstore-attachments: true\n',
      {
        'quay.io': SIGSTORE,
      },
    ),
    ['registries.lookaside-urls notapplicable no-signed-scope'],
  ],
  [
    'that takes Red Hat’s signatures from elsewhere, unmanaged',
    node(GOOD, {
      [`${FOLDER}/redhat.yaml`]:
        'docker:\n  registry.redhat.io:\n    lookaside: https://evil.test/sig\n',
    }),
    [
      'registries.lookaside-urls fail other-host @ registry.redhat.io',
      `registries.unmanaged-files fail unmanaged @ ${FOLDER}/redhat.yaml`,
    ],
  ],
  [
    'that takes Red Hat’s signatures from where all others come from, unmanaged',
    node(
      { [POLICY]: policy({ 'registry.redhat.io': SIGNED }), [`${FOLDER}/quay.yaml`]: QUAY },
      { [DEFAULT]: 'default-docker:\n  lookaside: https://evil.test/sig\n' },
    ),
    [
      'registries.lookaside-urls fail other-host @ registry.redhat.io',
      `registries.unmanaged-files fail unmanaged @ ${DEFAULT}`,
    ],
  ],
  [
    'that takes Red Hat’s signatures by a wildcard, unmanaged',
    node(
      { [POLICY]: policy({ 'registry.redhat.io': SIGNED }), [`${FOLDER}/quay.yaml`]: QUAY },
      { [DEFAULT]: 'docker:\n  "*.io":\n    lookaside: https://evil.test/sig\n' },
    ),
    [
      'registries.lookaside-urls fail other-host @ registry.redhat.io',
      `registries.unmanaged-files fail unmanaged @ ${DEFAULT}`,
    ],
  ],
  [
    'that takes Red Hat’s signatures from where all others come from, as rolled out',
    node({
      [POLICY]: policy({ 'registry.redhat.io': SIGNED }),
      [DEFAULT]: 'default-docker:\n  lookaside: https://mirror.test/sig\n',
    }),
    [],
  ],
  [
    'that takes Red Hat’s signatures from a mirror that was rolled out',
    node({
      ...GOOD,
      [`${FOLDER}/redhat.yaml`]:
        'docker:\n  registry.redhat.io:\n    lookaside: https://mirror.test/sig\n',
    }),
    [],
  ],
  [
    'whose sigstore scope has no attachments',
    registryOf(QUAY, { 'quay.io/acme': SIGSTORE }),
    [
      'registries.lookaside-urls notapplicable no-signed-scope',
      'registries.policy-coherence fail no-attachments @ quay.io/acme',
    ],
  ],
  [
    'whose sigstore scope has attachments by its host',
    registryOf('docker:\n  quay.io:\n    use-sigstore-attachments: true\n', {
      'quay.io/acme': SIGSTORE,
    }),
    ['registries.lookaside-urls notapplicable no-signed-scope'],
  ],
  [
    'whose signed scope is a wildcard that a lookaside serves',
    registryOf('docker:\n  "*.acme.test":\n    lookaside: https://sig.test\n', {
      '*.acme.test': SIGNED,
    }),
    [],
  ],
  [
    'whose signed scope is served by the default',
    node({
      [DEFAULT]: 'default-docker:\n  lookaside: https://sig.test\n',
      [POLICY]: policy({ 'x.test': SIGNED, 'x.test/a/b:tag': SIGNED }),
    }),
    [],
  ],
  [
    'whose signed scope is served in a part',
    registryOf('docker:\n  quay.io/acme:\n    lookaside: https://sig.test\n'),
    [],
  ],
  [
    'whose policy asks for no signatures',
    registryOf(QUAY, { 'quay.io': [{ type: 'insecureAcceptAnything' }] }),
    [
      'registries.lookaside-urls notapplicable no-signed-scope',
      'registries.policy-coherence notapplicable no-signed-scope',
    ],
  ],
  [
    'whose mirror of a signed scope has no lookaside',
    node({
      ...GOOD,
      '/etc/containers/registries.conf.d/mirror.conf':
        '[[registry]]\nlocation = "quay.io"\n[[registry.mirror]]\nlocation = "mirror.test/quay"\n',
    }),
    [
      'registries.policy-coherence fail no-lookaside @ quay.io',
      'registries.mirrors fail by-tag @ quay.io at mirror.test/quay',
    ],
  ],
  [
    'whose mirror by digest has no lookaside',
    node({
      ...GOOD,
      '/etc/containers/registries.conf.d/mirror.conf':
        '[[registry]]\nlocation = "quay.io"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "mirror.test/quay"\n',
    }),
    ['registries.policy-coherence fail no-lookaside @ quay.io'],
  ],
  [
    'whose mirror has a lookaside of its own',
    node({
      ...GOOD,
      [`${FOLDER}/mirror.yaml`]: 'docker:\n  mirror.test:\n    lookaside: https://sig.test\n',
      '/etc/containers/registries.conf.d/mirror.conf':
        '[[registry]]\nlocation = "quay.io"\n[[registry.mirror]]\nlocation = "mirror.test/quay"\n',
    }),
    ['registries.mirrors fail by-tag @ quay.io at mirror.test/quay'],
  ],
  [
    'with registries and mirrors that are not secured',
    node({
      ...GOOD,
      '/etc/containers/registries.conf':
        '[[registry]]\nlocation = "a.test"\ninsecure = true\n[[registry]]\nlocation = "localhost:5000"\ninsecure = true\n' +
        '[[registry]]\nlocation = "b.test"\n[[registry.mirror]]\nlocation = "m.test/b"\ninsecure = true\n',
      '/etc/crio/crio.conf.d/10-x':
        '[crio.image]\ninsecure_registries = ["c.test:5000", "127.0.0.1:5000"]\n',
    }),
    [
      'registries.insecure fail insecure @ a.test',
      'registries.insecure fail insecure @ m.test/b',
      'registries.insecure fail insecure @ c.test:5000',
      'registries.mirrors fail by-tag @ b.test at m.test/b',
    ],
  ],
  [
    'with a registry that is blocked anyway',
    node({
      ...GOOD,
      '/etc/containers/registries.conf':
        '[[registry]]\nlocation = "a.test"\ninsecure = true\nblocked = true\n',
    }),
    [],
  ],
  [
    'with a mirror that is not secured, of a registry that is blocked: it is asked all the same',
    node({
      ...GOOD,
      '/etc/containers/registries.conf':
        '[[registry]]\nlocation = "a.test"\nblocked = true\n[[registry.mirror]]\nlocation = "m.test/a"\ninsecure = true\n',
    }),
    [
      'registries.insecure fail insecure @ m.test/a',
      'registries.mirrors fail by-tag @ a.test at m.test/a',
    ],
  ],
  [
    'where every image has to be signed by sigstore, and nothing attaches signatures',
    registryOf(QUAY, { 'quay.io': SIGNED, '': SIGSTORE }),
    ['registries.policy-coherence fail no-attachments @ default'],
  ],
  [
    'where every image has to be signed by sigstore, and attachments are on for all',
    registryOf(`default-docker:\n  use-sigstore-attachments: true\n${QUAY}`, {
      'quay.io': SIGNED,
      '': SIGSTORE,
    }),
    [],
  ],
  [
    'where hosts of a domain have to be signed by sigstore, one of which attaches signatures',
    registryOf(`${QUAY}  a.example.test:\n    use-sigstore-attachments: true\n`, {
      'quay.io': SIGNED,
      '*.example.test': SIGSTORE,
    }),
    [],
  ],
  [
    'where a scope has to be signed by sigstore, and a narrower entry has a lookaside alone',
    registryOf(`${QUAY}  quay.io/acme/app:\n    lookaside: https://sig.test\n`, {
      'quay.io/acme': SIGSTORE,
    }),
    [
      'registries.lookaside-urls notapplicable no-signed-scope',
      'registries.policy-coherence fail no-attachments @ quay.io/acme',
    ],
  ],
  [
    'whose registries.conf is no TOML',
    node({ ...GOOD, '/etc/containers/registries.conf': '[[' }),
    [
      'registries.policy-coherence unknown not-read',
      'registries.insecure fail invalid',
      'registries.short-names unknown not-read',
      'registries.mirrors unknown not-read',
    ],
  ],
  ['whose policy is invalid', node(GOOD, { [POLICY]: '{}' }), NOT_READ],
  [
    'with files beside the managed ones',
    node(GOOD, {
      [`${FOLDER}/zz.yaml`]: 'docker: {}\n',
      '/etc/crio/crio.conf.d/99-x': '',
      '/etc/crio/policies/shop.json': '{}',
      '/etc/containers/registries.conf.d/zz.conf': '',
      '/etc/containers/certs.d/quay.io/ca.crt': '',
      '/etc/containers/oci/hooks.d/x.json': '{}',
    }),
    [
      `registries.unmanaged-files fail unmanaged @ ${FOLDER}/zz.yaml`,
      'registries.unmanaged-files fail unmanaged @ /etc/containers/registries.conf.d/zz.conf',
      'registries.unmanaged-files fail unmanaged @ /etc/containers/certs.d/quay.io/ca.crt',
      'registries.unmanaged-files fail unmanaged @ /etc/containers/oci/hooks.d/x.json',
      'registries.unmanaged-files fail unmanaged @ /etc/crio/crio.conf.d/99-x',
      'registries.unmanaged-files fail unmanaged @ /etc/crio/policies/shop.json',
    ],
  ],
  [
    'with a file of the operating system, as it brought it',
    node(GOOD, { [DEFAULT]: '# vendor\n', [`/usr${DEFAULT}`]: '# vendor\n' }),
    [],
  ],
  [
    'with a file of the operating system that was changed',
    node(GOOD, { [DEFAULT]: '# changed\n', [`/usr${DEFAULT}`]: '# vendor\n' }),
    [`registries.unmanaged-files fail vendor-modified @ ${DEFAULT}`],
  ],
  [
    'installed from packages, whose files have no copy',
    node(GOOD, {
      '/etc/os-release': 'ID=rhel\n',
      [DEFAULT]: '# packaged\n',
      '/etc/containers/registries.conf.d/000-shortnames.conf': '',
    }),
    [],
  ],
  [
    'without MachineConfig and baseline',
    { ...GOOD, [`${FOLDER}/zz.yaml`]: 'docker: {}\n' },
    [
      'registries.lookaside-managed notchecked no-oracle',
      'registries.unmanaged-files notchecked no-oracle',
    ],
  ],
  [
    'whose MachineConfig cannot be used',
    node(GOOD, { [CURRENT]: '[]' }),
    ['registries.lookaside-managed error parse', 'registries.unmanaged-files error parse'],
  ],
];

for (const [name, files, expected] of CASES) {
  t.test(`a node ${name}`, async (t) => {
    const lines = await say(registries, t.testdir(treeOf(files)));
    t.strictSame(
      lines.filter((line) => !line.endsWith(' pass') && !USUAL.includes(line)),
      expected,
    );
    const spoken = new Set(lines.map((line) => line.split(' ')[0]));
    t.strictSame(
      [...spoken],
      registries.rules.map(({ id }) => id),
      'every rule speaks',
    );
  });
}

t.test('a baseline knows files as well as a MachineConfig does', async (t) => {
  const path = `${FOLDER}/quay.yaml`;
  const root = t.testdir(treeOf({ [path]: QUAY, [`${FOLDER}/new.yaml`]: 'docker: {}\n' }));
  const baseline = captureBaseline({
    findings: [],
    files: { [path]: { sha256: sha256(QUAY), mode: 0o644 } },
    acceptedAt: '2026-01-01T00:00:00Z',
    acceptedBy: 'admin',
  });
  const lines = await say(registries, root, baseline);
  t.ok(lines.includes('registries.lookaside-managed pass'));
  t.ok(lines.includes(`registries.unmanaged-files fail unmanaged @ ${FOLDER}/new.yaml`));
});

t.test('a folder that refuses every pull is critical, a dead line is not', async (t) => {
  const files = node({ ...GOOD, [`${FOLDER}/zz.yaml`]: QUAY });
  const findings = await registries.run(
    contextAt(t.testdir(treeOf(files))),
    AbortSignal.timeout(5000),
  );
  t.equal(findings[0]?.severity, 'critical');
});

t.test('an address is shown without the password in it', async (t) => {
  const files = registryOf('docker:\n  quay.io:\n    lookaside: http://user:hunter2@sig.test/x\n');
  const findings = await registries.run(
    contextAt(t.testdir(treeOf(files))),
    AbortSignal.timeout(5000),
  );
  t.notMatch(JSON.stringify(findings), 'hunter2');
  t.match(JSON.stringify(findings), 'sig.test/x');
});

t.test('a certificate that is not asked for is named', async (t) => {
  const files = {
    '/etc/containers/registries.conf':
      '[[registry]]\nlocation = "a.test:5000/x"\ninsecure = true\n[[registry]]\nlocation = "../b"\ninsecure = true\n',
    '/etc/containers/certs.d/a.test:5000/ca.crt': 'x',
    '/etc/b.crt': 'x',
  };
  const root = t.testdir(treeOf(node(GOOD, files)));
  const findings = await registries.run(contextAt(root), AbortSignal.timeout(5000));
  t.strictSame(
    findings
      .filter(({ ruleId }) => ruleId === 'registries.insecure')
      .map(({ subject, observed }) => [subject, observed['certificates']]),
    [
      ['../b', null],
      ['a.test:5000/x', '/etc/containers/certs.d/a.test:5000'],
    ],
  );
});
