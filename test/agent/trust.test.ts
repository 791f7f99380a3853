import { symlinkSync } from 'node:fs';
import t from 'tap';
import { openHost } from '../../agent/host.ts';
import { readNodeTrust } from '../../agent/trust.ts';
import { describeTrust } from '../../agent/trust-items.ts';
import { canonicalJson, sha256 } from '../../shared/canonical.ts';
import { KEY_PATH, POLICY, SIGNER, trustFiles } from '../support/signed-images.ts';
import { type Files, writeFiles } from '../support/store-tree.ts';

const ETC = '/etc/containers/policy.json';
const HOME = '/root/.config/containers/policy.json';
const VENDOR = '/usr/share/containers/policy.json';
const ANYTHING = '{"default":[{"type":"insecureAcceptAnything"}]}';
const REJECT = '{"default":[{"type":"reject"}]}';
const D = '/etc/containers/registries.d';

const policies: readonly (readonly [name: string, files: Files, expected: object])[] = [
  [
    'the system’s',
    { [ETC]: ANYTHING },
    {
      path: ETC,
      origin: 'system',
      sha256: sha256(ANYTHING),
      policy: { default: [{ type: 'insecureAcceptAnything' }] },
    },
  ],
  [
    'that in the home of root, which replaces the system’s',
    { [ETC]: REJECT, [HOME]: ANYTHING },
    { path: HOME, origin: 'user', sha256: sha256(ANYTHING) },
  ],
  [
    'that in the home that passwd names',
    {
      '/etc/passwd': 'x:x:1:1::/x:\nroot:x:0:0:root:/var/roothome:/bin/bash\n',
      '/var/roothome/.config/containers/policy.json': REJECT,
      [ETC]: ANYTHING,
    },
    { path: '/var/roothome/.config/containers/policy.json', origin: 'user' },
  ],
  [
    'the vendor’s, where there is no other',
    { [VENDOR]: REJECT },
    { path: VENDOR, origin: 'vendor' },
  ],
  ['none', {}, { path: ETC, problem: { reason: 'missing' } }],
  [
    'one that does not parse; no other takes its place',
    { [HOME]: '{\n  "default": [{"type":"reject","x":1}]\n}', [ETC]: ANYTHING },
    {
      path: HOME,
      problem: {
        reason: 'unknown-field',
        line: 2,
        column: 32,
        member: 'default[0].x',
        message: HOME,
      },
    },
  ],
  [
    'one that is no JSON',
    { [ETC]: '{' },
    { path: ETC, problem: { reason: 'json-syntax', line: 1 } },
  ],
  ['one that is empty', { [ETC]: '' }, { path: ETC, problem: { reason: 'json-syntax' } }],
  ['a folder', { [`${ETC}/x`]: '' }, { path: ETC, problem: { reason: 'not-a-file' } }],
  [
    'one of 5 MiB',
    { [ETC]: ' '.repeat(5 * 1024 * 1024) },
    { path: ETC, problem: { reason: 'too-large' } },
  ],
];
for (const [name, files, expected] of policies) {
  t.test(`the policy in force is ${name}`, async (t) => {
    const { policy } = await readNodeTrust(openHost(writeFiles(t.testdir({}), files)));
    t.match(policy, expected);
    t.equal(policy.policy === undefined, policy.problem !== undefined, 'a policy or a problem');
  });
}

const folders: readonly (readonly [name: string, files: Files, expected: object])[] = [
  [
    'none, which is an empty configuration',
    {},
    { path: D, files: [], registries: { docker: new Map() } },
  ],
  [
    'the system’s',
    { [`${D}/a.yaml`]: 'docker:\n  quay.io:\n    lookaside: file:///x\n', [`${D}/b.txt`]: 'x' },
    {
      path: D,
      origin: 'system',
      files: [{ path: `${D}/a.yaml` }],
      registries: { docker: new Map([['quay.io', { lookaside: 'file:///x' }]]) },
    },
  ],
  [
    'that in the home of root, though it is empty',
    { '/root/.config/containers/registries.d/x': '', [`${D}/a.yaml`]: 'docker: {quay.io: {}}' },
    { origin: 'user', files: [], registries: { docker: new Map() } },
  ],
  [
    'one with a file that does not parse',
    { [`${D}/a.yaml`]: 'docker: [' },
    { problem: { reason: 'yaml', path: `${D}/a.yaml` } },
  ],
  [
    'one with a scope twice',
    { [`${D}/a.yaml`]: 'docker: {quay.io: {}}', [`${D}/b.yaml`]: 'docker: {quay.io: {}}' },
    {
      problem: {
        reason: 'duplicate-scope',
        path: `${D}/b.yaml`,
        message: new RegExp(`^${D}/b.yaml: docker`),
      },
    },
  ],
  [
    'one with a folder called .yaml',
    { [`${D}/a.yaml/x`]: '' },
    { problem: { reason: 'not-a-file' } },
  ],
];
for (const [name, files, expected] of folders) {
  t.test(`the registries.d in force is ${name}`, async (t) => {
    const { registriesD } = await readNodeTrust(openHost(writeFiles(t.testdir({}), files)));
    t.match(registriesD, expected);
    t.equal(registriesD.registries === undefined, registriesD.problem !== undefined);
  });
}

const CONF = '/etc/containers/registries.conf';
const OWN = '/root/.config/containers/registries.conf';
const registry = (location: string): string => `[[registry]]\nlocation = "${location}"\n`;
const configurations: readonly (readonly [name: string, files: Files, expected: object])[] = [
  ['none', {}, { path: CONF, files: [], conf: { registries: new Map() } }],
  [
    'the system’s with its drop-ins, then those of root',
    {
      [CONF]: registry('a'),
      [`${CONF}.d/1.conf`]: registry('b'),
      [`${CONF}.d/2.txt`]: 'x',
      [`${OWN}.d/0.conf`]: registry('c'),
    },
    { files: [{ path: CONF }, { path: `${CONF}.d/1.conf` }, { path: `${OWN}.d/0.conf` }] },
  ],
  [
    'root’s own instead of the system’s',
    { [CONF]: registry('a'), [`${CONF}.d/1.conf`]: registry('b'), [OWN]: registry('c') },
    { path: OWN, files: [{ path: OWN }] },
  ],
  [
    'a drop-in alone',
    { [`${CONF}.d/1.conf`]: registry('b') },
    { files: [{ path: `${CONF}.d/1.conf` }] },
  ],
  [
    'one with a folder among its drop-ins, which is passed over',
    { [CONF]: registry('a'), [`${CONF}.d/1.conf/2.conf`]: '[[' },
    { files: [{ path: CONF }], problem: undefined },
  ],
  [
    'one with a drop-in that does not parse',
    { [CONF]: registry('a'), [`${CONF}.d/1.conf`]: '[[' },
    { problem: { path: `${CONF}.d/1.conf`, line: 1 } },
  ],
  [
    'one that is a folder',
    { [`${CONF}/x`]: '' },
    { problem: { reason: 'not-a-file', path: CONF } },
  ],
];
for (const [name, files, expected] of configurations) {
  t.test(`the registries.conf in force is ${name}`, async (t) => {
    const { registriesConf } = await readNodeTrust(openHost(writeFiles(t.testdir({}), files)));
    t.match(registriesConf, expected);
    t.equal(registriesConf.conf === undefined, registriesConf.problem !== undefined);
  });
}

t.test('drop-ins of registries.conf in a folder that is a link are read by nobody', async (t) => {
  const files = {
    [CONF]: registry('a'),
    '/etc/containers/real/1.conf': registry('b'),
    [`${OWN}.d/1.conf`]: registry('c'),
  };
  const root = writeFiles(t.testdir({}), files);
  symlinkSync('real', `${root}${CONF}.d`);
  const { conf } = (await readNodeTrust(openHost(root))).registriesConf;
  // skopeo 1.9.3 asks a registry that such a drop-in blocks.
  t.strictSame([...(conf?.registries.keys() ?? [])], ['a', 'c']);
});

t.test('what CRI-O is told of policies is noted, and its namespaces are listed', async (t) => {
  const files = {
    '/etc/crio/crio.conf.d/10-policy.conf':
      '[crio.image]\nsignature_policy = "/etc/crio/policy.json"\n',
    '/etc/crio/policy.json': REJECT,
    '/etc/crio/policies/team.json': ANYTHING,
    '/etc/crio/policies/broken.json': '{',
    '/etc/crio/policies/README': '',
    [ETC]: ANYTHING,
  };
  const { crio, policy } = await readNodeTrust(openHost(writeFiles(t.testdir({}), files)));
  t.match(crio, {
    signaturePolicy: {
      path: '/etc/crio/policy.json',
      sha256: sha256(REJECT),
      policy: { default: [{ type: 'reject' }] },
    },
    namespacePolicies: [
      { namespace: 'broken', problem: { reason: 'json-syntax' } },
      {
        path: '/etc/crio/policies/team.json',
        sha256: sha256(ANYTHING),
        namespace: 'team',
        policy: { default: [{ type: 'insecureAcceptAnything' }] },
      },
    ],
  });
  t.equal(crio.namespacePolicies.length, 2);
  t.equal(policy.path, ETC, 'podman and CRI-O may differ');
});

t.test('key material is read once, what is missing is said', async (t) => {
  const { [KEY_PATH]: pem, ...files } = trustFiles({
    ...POLICY,
    default: [{ type: 'sigstoreSigned', keyPath: '/etc/pki/gone.pub' }],
  });
  const own = (path: string): string =>
    JSON.stringify({ default: [{ type: 'sigstoreSigned', keyPath: path }] });
  const root = writeFiles(t.testdir({}), {
    ...files,
    ...(pem && { [KEY_PATH]: pem }),
    '/etc/crio/policies/team.json': own('/etc/pki/team.pub'),
    '/etc/crio/crio.conf': '[crio.image]\nsignature_policy = "/srv/own.json"\n',
    '/srv/own.json': own('/etc/pki/own.pub'),
  });
  const { keyFiles } = await readNodeTrust(openHost(root));
  const others = ['/etc/pki/gone.pub', '/etc/pki/own.pub', '/etc/pki/team.pub'];
  t.same([...keyFiles.keys()].sort(), [KEY_PATH, ...others].sort());
  t.match(keyFiles.get('/etc/pki/gone.pub'), { problem: { reason: 'missing' } });
  t.equal(keyFiles.get(KEY_PATH)?.bytes?.toString(), pem);
});

t.test('the section of a report has an item for each part and is JSON', async (t) => {
  const files = {
    ...trustFiles(),
    [`${D}/a.yaml`]:
      'default-docker: {lookaside: "file:///x"}\ndocker: {quay.io: {use-sigstore-attachments: true}}\n',
    '/etc/crio/policies/team.json': ANYTHING,
  };
  const trust = await readNodeTrust(openHost(writeFiles(t.testdir({}), files)));
  const items = await describeTrust(trust, Date.parse('2026-11-21T12:00:00Z'));
  t.same(
    [...items.keys()],
    [
      'policy',
      'registriesD',
      'registriesD quay.io',
      'registriesConf',
      `key ${KEY_PATH}`,
      'namespacePolicy /etc/crio/policies/team.json',
    ],
  );
  t.match(items.get('policy'), {
    path: ETC,
    default: [{ type: 'reject' }],
    scopes: [
      { transport: 'docker', scope: 'registry.example.com', requirements: [{ keyPath: KEY_PATH }] },
      { transport: 'docker', scope: 'any.example.com' },
    ],
  });
  t.match(items.get('registriesD'), { path: D, default: { lookaside: 'file:///x' } });
  t.match(items.get(`key ${KEY_PATH}`), {
    sha256: /^sha256:/,
    keys: [{ fingerprint: SIGNER, algorithm: 'ECDSA' }],
  });
  t.match(items.get('namespacePolicy /etc/crio/policies/team.json'), {
    namespace: 'team',
    default: [{ type: 'insecureAcceptAnything' }],
  });
  t.match(items.get('registriesConf'), { shortNameMode: 'permissive', aliases: 0 });
  t.match(items.get('registriesD quay.io'), { scope: 'quay.io', useSigstoreAttachments: true });
  for (const [key, item] of items) {
    t.equal(canonicalJson(JSON.parse(JSON.stringify(item))), canonicalJson(item), key);
  }
});
