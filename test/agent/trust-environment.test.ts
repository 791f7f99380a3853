import { chmodSync } from 'node:fs';
import t from 'tap';
import { openHost } from '../../agent/host.ts';
import { verifyImages } from '../../agent/images/verify.ts';
import { readNodeTrust } from '../../agent/trust.ts';
import { trustWatchesIn } from '../../agent/trust-places.ts';
import { pulled, trustFiles } from '../support/signed-images.ts';
import { type Files, storeFiles, writeFiles } from '../support/store-tree.ts';
import { alwaysPrivileged, asNobody } from '../support/unprivileged.ts';

const ANYTHING = '{"default":[{"type":"insecureAcceptAnything"}]}';
const REJECT = '{"default":[{"type":"reject"}]}';
const ETC = '/etc/containers/policy.json';
const OWN = '/opt/crio/.config/containers/policy.json';
const NAMESPACE = '/opt/policies/team.json';

function unit(...settings: readonly string[]): Files {
  return {
    '/usr/lib/systemd/system/crio.service': '[Service]\nExecStart=/usr/bin/crio\n',
    '/etc/systemd/system/crio.service.d/50.conf': `[Service]\n${settings.join('\n')}\n`,
  };
}
const CONFIGURED = {
  '/etc/crio/crio.conf.d/50': '[crio.image]\nsignature_policy = "/opt/a.json"\n',
};
const UNDECIDED = { signaturePolicy: { path: 'crio.service', problem: { reason: 'undecided' } } };

const cases: readonly (readonly [name: string, files: Files, crio: object])[] = [
  ['no variable: the policy of the system', unit(), { signaturePolicy: undefined }],
  [
    'HOME, below which there is a policy',
    { ...unit('Environment=HOME=/opt/crio'), [OWN]: REJECT },
    { signaturePolicy: { path: OWN, policy: { default: [{ type: 'reject' }] } } },
  ],
  [
    'HOME, below which there is none',
    unit('Environment=HOME=/opt/crio'),
    { signaturePolicy: undefined },
  ],
  [
    'HOME, while root’s own home has a policy',
    { ...unit('Environment=HOME=/opt/crio'), '/root/.config/containers/policy.json': REJECT },
    { signaturePolicy: { path: ETC } },
  ],
  [
    'CONTAINER_SIGNATURE_POLICY, which goes before crio.conf',
    {
      ...CONFIGURED,
      ...unit('Environment=CONTAINER_SIGNATURE_POLICY=/opt/b.json'),
      '/opt/a.json': ANYTHING,
      '/opt/b.json': REJECT,
    },
    { signaturePolicy: { path: '/opt/b.json', policy: { default: [{ type: 'reject' }] } } },
  ],
  [
    'CONTAINER_SIGNATURE_POLICY, empty: that of the system',
    { ...CONFIGURED, ...unit('Environment=CONTAINER_SIGNATURE_POLICY='), '/opt/a.json': REJECT },
    { signaturePolicy: undefined },
  ],
  [
    'CONTAINER_SIGNATURE_POLICY of a file that is not there',
    unit('Environment=CONTAINER_SIGNATURE_POLICY=/opt/none.json'),
    { signaturePolicy: { path: '/opt/none.json', problem: { reason: 'missing' } } },
  ],
  [
    'CONTAINER_SIGNATURE_POLICY_DIR',
    { ...unit('Environment=CONTAINER_SIGNATURE_POLICY_DIR=/opt/policies'), [NAMESPACE]: REJECT },
    {
      policyFolder: '/opt/policies',
      namespacePolicies: [{ namespace: 'team', path: NAMESPACE }],
    },
  ],
  [
    '--signature-policy, which goes before the variable',
    {
      ...unit(
        'Environment=CONTAINER_SIGNATURE_POLICY=/opt/a.json',
        'ExecStart=',
        'ExecStart=/usr/bin/crio --signature-policy /opt/b.json --signature-policy-dir=/opt/policies',
      ),
      '/opt/a.json': REJECT,
      '/opt/b.json': ANYTHING,
      [NAMESPACE]: REJECT,
    },
    {
      signaturePolicy: { path: '/opt/b.json' },
      policyFolder: '/opt/policies',
      namespacePolicies: [{ namespace: 'team', path: NAMESPACE }],
    },
  ],
  [
    'CONTAINERS_POLICY_JSON, which only some versions read',
    { ...unit('Environment=CONTAINERS_POLICY_JSON=/opt/a.json'), '/opt/a.json': ANYTHING },
    UNDECIDED,
  ],
  [
    'CONTAINERS_POLICY_JSON with the content of the other',
    { ...unit('Environment=CONTAINERS_POLICY_JSON=/opt/a.json'), '/opt/a.json': REJECT },
    { signaturePolicy: undefined },
  ],
  [
    'CONTAINERS_POLICY_JSON beside a policy that is named',
    {
      ...CONFIGURED,
      ...unit('Environment=CONTAINERS_POLICY_JSON=/opt/b.json'),
      '/opt/a.json': ANYTHING,
    },
    { signaturePolicy: { path: '/opt/a.json' } },
  ],
  [
    'XDG_CONFIG_HOME, which only some versions ask for policies',
    {
      ...unit('Environment=XDG_CONFIG_HOME=/opt/config'),
      '/opt/config/containers/policy.json': ANYTHING,
    },
    UNDECIDED,
  ],
  ['HOME that only the running service knows', { ...unit('PassEnvironment=HOME') }, UNDECIDED],
];
for (const [name, files, crio] of cases) {
  t.test(`the environment of CRI-O has ${name}`, async (t) => {
    const root = writeFiles(t.testdir({}), { [ETC]: REJECT, ...files });
    const trust = await readNodeTrust(openHost(root));
    t.match(trust.crio, crio);
    t.notOk(trust.crio.signaturePolicy?.policy && trust.crio.signaturePolicy.problem);
  });
}

t.test(
  'which policy CRI-O reads is not known while a file of its variables may not be read',
  { skip: alwaysPrivileged },
  async (t) => {
    const files = {
      [ETC]: REJECT,
      ...unit('EnvironmentFile=-/etc/sysconfig/crio'),
      '/etc/sysconfig/crio': 'CONTAINER_SIGNATURE_POLICY=/opt/a.json\n',
    };
    const root = writeFiles(t.testdir({}), files);
    chmodSync(`${root}/etc/sysconfig/crio`, 0o600);
    const host = openHost(root);
    t.match((await asNobody(() => readNodeTrust(host))).crio, UNDECIDED);
  },
);

t.test('registries.d is that of the home of CRI-O', async (t) => {
  const folder = '/opt/crio/.config/containers/registries.d';
  const files = { ...unit('Environment=HOME=/opt/crio'), [`${folder}/a.yaml`]: 'docker: {}' };
  const host = openHost(writeFiles(t.testdir({}), files));
  t.match((await readNodeTrust(host)).registriesD, { path: folder, origin: 'user' });
  t.ok((await trustWatchesIn(host)).includes('/opt/crio/.config/containers'));
});

t.test('images are undecided where it is not known which policy CRI-O reads', async (t) => {
  const image = pulled({ seed: 'app', names: ['any.example.com/app:v1'] });
  const files = { ...trustFiles(), ...storeFiles([image]), '/opt/a.json': REJECT };
  const environment = unit('Environment=CONTAINERS_POLICY_JSON=/opt/a.json');
  const host = openHost(writeFiles(t.testdir({}), { ...files, ...environment }));
  t.match((await verifyImages(host, await readNodeTrust(host))).verdicts, [
    { verdict: 'unknown', reason: 'policy-undecided', message: 'CONTAINERS_POLICY_JSON' },
  ]);
});
