import { symlinkSync } from 'node:fs';
import t from 'tap';
import { openHost } from '../../agent/host.ts';
import {
  type KubeletConfig,
  KubeletConfigError,
  readKubeletConfig,
} from '../../agent/kubelet-config.ts';
import { treeOf } from '../support/host-tree.ts';

const CONF = '/etc/kubernetes/kubelet.conf';
const UNIT = '/etc/systemd/system/kubelet.service';
type Files = Readonly<Record<string, string>>;

const unit = (flags: string): Files => ({
  [UNIT]: `[Service]\nExecStart=/usr/bin/kubelet --config=${CONF} ${flags}\n`,
});
const LAX: Partial<KubeletConfig> = {
  anonymous: { from: 'kubelet.service without --config', value: true },
  authorizationMode: { from: 'kubelet.service without --config', value: 'AlwaysAllow' },
  readOnlyPort: { from: 'kubelet.service without --config', value: 10255 },
};
const YAML = `authentication:
  anonymous:
    enabled: false
authorization: {mode: Webhook}
readOnlyPort: 0
seccompDefault: true
tlsMinVersion: VersionTLS12
tlsCipherSuites:
  - TLS_AES_128_GCM_SHA256
`;
const from = CONF;
const ALL: Partial<KubeletConfig> = {
  seccompDefault: true,
  anonymous: { from, value: false },
  authorizationMode: { from, value: 'Webhook' },
  readOnlyPort: { from, value: 0 },
  tlsMinVersion: { from, value: 'VersionTLS12' },
  tlsCipherSuites: { from, value: ['TLS_AES_128_GCM_SHA256'] },
};

const READ: readonly (readonly [name: string, files: Files, expected: Partial<KubeletConfig>])[] = [
  ['in YAML', { [CONF]: YAML }, ALL],
  [
    'in JSON',
    {
      [CONF]: JSON.stringify({
        authentication: { anonymous: { enabled: false } },
        authorization: { mode: 'Webhook' },
        readOnlyPort: 0,
        seccompDefault: true,
        tlsMinVersion: 'VersionTLS12',
        tlsCipherSuites: ['TLS_AES_128_GCM_SHA256'],
      }),
    },
    ALL,
  ],
  [
    'that sets nothing',
    { [CONF]: 'kind: KubeletConfiguration\nauthentication: null\ntlsCipherSuites: []\n' },
    {
      seccompDefault: undefined,
      anonymous: undefined,
      authorizationMode: undefined,
      readOnlyPort: undefined,
      tlsMinVersion: undefined,
      tlsCipherSuites: undefined,
    },
  ],
  ['that is empty', { [CONF]: '' }, { anonymous: undefined }],
  [
    'with a flag, which overrules it',
    {
      [CONF]: YAML,
      ...unit('--anonymous-auth=true --read-only-port 10255 --tls-cipher-suites=A,B'),
    },
    {
      ...ALL,
      anonymous: { from: '--anonymous-auth of kubelet.service', value: true },
      readOnlyPort: { from: '--read-only-port of kubelet.service', value: 10255 },
      tlsCipherSuites: { from: '--tls-cipher-suites of kubelet.service', value: ['A', 'B'] },
    },
  ],
  [
    'with a switch without a value',
    { [CONF]: YAML, ...unit('--anonymous-auth --authorization-mode=AlwaysAllow') },
    {
      anonymous: { from: '--anonymous-auth of kubelet.service', value: true },
      authorizationMode: { from: '--authorization-mode of kubelet.service', value: 'AlwaysAllow' },
    },
  ],
  [
    'with a flag in the other spelling',
    { [CONF]: YAML, ...unit('--anonymous_auth=true --read_only_port 10255') },
    {
      anonymous: { from: '--anonymous-auth of kubelet.service', value: true },
      readOnlyPort: { from: '--read-only-port of kubelet.service', value: 10255 },
    },
  ],
  [
    'with a flag of a file of variables, which goes before a variable of the unit',
    {
      [CONF]: YAML,
      [UNIT]: `[Service]\nEnvironmentFile=-/etc/sysconfig/kubelet\nExecStart=/usr/bin/kubelet --config=${CONF} $EXTRA\n`,
      [`${UNIT}.d/20-own.conf`]: '[Service]\nEnvironment=EXTRA=--anonymous-auth=false\n',
      '/etc/sysconfig/kubelet': 'EXTRA=--anonymous-auth=true\n',
    },
    { anonymous: { from: '--anonymous-auth of kubelet.service', value: true } },
  ],
  [
    'with a flag behind a comment in the middle of the command',
    {
      [CONF]: YAML,
      [UNIT]: `[Service]\nExecStart=/usr/bin/kubelet --config=${CONF} \\\n  --anonymous-auth=true \\\n# --anonymous-auth=false \\\n  --v=2\n`,
    },
    { anonymous: { from: '--anonymous-auth of kubelet.service', value: true } },
  ],
  [
    'with a drop-in of a unit in /usr/local',
    {
      [CONF]: YAML,
      '/usr/lib/systemd/system/kubelet.service': `[Service]\nExecStart=/usr/bin/kubelet --config=${CONF} $EXTRA\n`,
      '/usr/local/lib/systemd/system/kubelet.service.d/20-own.conf':
        '[Service]\nEnvironment=EXTRA=--read-only-port=10255\n',
    },
    { readOnlyPort: { from: '--read-only-port of kubelet.service', value: 10255 } },
  ],
  [
    'that the command does not name',
    { [CONF]: YAML, [UNIT]: '[Service]\nExecStart=/usr/bin/kubelet --kubeconfig=/x\n' },
    { ...LAX, seccompDefault: undefined, tlsMinVersion: undefined },
  ],
  [
    'that the command does not name, with flags in its place',
    {
      [CONF]: YAML,
      [UNIT]: '[Service]\nExecStart=/usr/bin/kubelet --anonymous-auth=false --read-only-port=0\n',
    },
    {
      ...LAX,
      anonymous: { from: '--anonymous-auth of kubelet.service', value: false },
      readOnlyPort: { from: '--read-only-port of kubelet.service', value: 0 },
    },
  ],
  [
    'that a command names which is not wholly known',
    {
      [CONF]: YAML,
      [UNIT]: '[Service]\nEnvironmentFile=/etc/none\nExecStart=/usr/bin/kubelet $ARGS\n',
    },
    ALL,
  ],
  [
    'under a command that is not kubelet’s own',
    { [CONF]: YAML, [UNIT]: '[Service]\nExecStart=/usr/bin/start-node\n' },
    ALL,
  ],
  [
    'with drop-ins in folders of the folder, in the order of a walk',
    {
      [CONF]: YAML,
      ...unit('--config-dir=/etc/kubelet.d'),
      '/etc/kubelet.d/10-a/z.conf': 'readOnlyPort: 1\n',
      '/etc/kubelet.d/20-b.conf': 'tlsMinVersion: VersionTLS13\n',
      '/etc/kubelet.d/30-c/d/e.conf': 'readOnlyPort: 2\n',
      '/etc/kubelet.d/40.conf~': 'readOnlyPort: 3\n',
    },
    {
      readOnlyPort: { from: '/etc/kubelet.d/30-c/d/e.conf', value: 2 },
      tlsMinVersion: { from: '/etc/kubelet.d/20-b.conf', value: 'VersionTLS13' },
    },
  ],
  [
    'with drop-ins, of which the last decides',
    {
      [CONF]: YAML,
      ...unit('--config-dir=/etc/openshift/kubelet.conf.d'),
      '/etc/openshift/kubelet.conf.d/10-a.conf': 'readOnlyPort: 1\ntlsMinVersion: VersionTLS13\n',
      '/etc/openshift/kubelet.conf.d/20-b.conf': 'readOnlyPort: 2\n',
      '/etc/openshift/kubelet.conf.d/30-c.yaml': 'readOnlyPort: 3\n',
    },
    {
      anonymous: { from, value: false },
      readOnlyPort: { from: '/etc/openshift/kubelet.conf.d/20-b.conf', value: 2 },
      tlsMinVersion: { from: '/etc/openshift/kubelet.conf.d/10-a.conf', value: 'VersionTLS13' },
    },
  ],
  [
    'under the unit of OpenShift, which overrules nothing',
    {
      [CONF]: YAML,
      [UNIT]: `[Unit]
Description=Kubernetes Kubelet

[Service]
Type=notify
ExecStartPre=/bin/mkdir --parents /etc/kubernetes/manifests
EnvironmentFile=/etc/os-release
EnvironmentFile=-/etc/kubernetes/kubelet-env

ExecStart=/usr/local/bin/kubenswrapper \\
    /usr/bin/kubelet \\
      --config=/etc/kubernetes/kubelet.conf \\
      --kubeconfig=/var/lib/kubelet/kubeconfig \\
      --node-labels=node-role.kubernetes.io/worker,node.openshift.io/os_id=$\{ID} \\
      --v=$\{KUBELET_LOG_LEVEL}

Restart=always
`,
    },
    ALL,
  ],
  [
    'in another place',
    { '/srv/kubelet.yaml': 'readOnlyPort: 7\n', ...unit('--config=/srv/kubelet.yaml') },
    { readOnlyPort: { from: '/srv/kubelet.yaml', value: 7 } },
  ],
];

for (const [name, files, expected] of READ) {
  t.test(`a configuration ${name} is read as by kubelet`, async (t) => {
    t.match(await readKubeletConfig(openHost(t.testdir(treeOf(files)))), expected);
  });
}

t.test('drop-ins in a folder that is a link are read only behind a slash', async (t) => {
  for (const [folder, value] of [
    ['/etc/kubelet.d', 1],
    ['/etc/kubelet.d/', 2],
  ] as const) {
    const files = { [CONF]: 'readOnlyPort: 1\n', '/etc/real/10.conf': 'readOnlyPort: 2\n' };
    const root = t.testdir(treeOf({ ...files, ...unit(`--config-dir=${folder}`) }));
    symlinkSync('real', `${root}/etc/kubelet.d`);
    t.match(await readKubeletConfig(openHost(root)), { readOnlyPort: { value } }, folder);
  }
});

t.test('however many drop-ins there are, the last decides', async (t) => {
  const names = Array.from({ length: 600 }, (_, at) => `/etc/kubelet.d/${1000 + at}.conf`);
  const dropIns = Object.fromEntries(names.map((path, at) => [path, `readOnlyPort: ${at}\n`]));
  const root = t.testdir(
    treeOf({ [CONF]: YAML, ...dropIns, ...unit('--config-dir=/etc/kubelet.d') }),
  );
  t.match(await readKubeletConfig(openHost(root)), { readOnlyPort: { value: 599 } });
});

t.test('a node without the file has no kubelet', async (t) => {
  t.equal(await readKubeletConfig(openHost(t.testdir(treeOf(unit('--v=2'))))), undefined);
});

const BAD: readonly (readonly [text: string, message: RegExp])[] = [
  ['a: [', /kubelet\.conf: /],
  ['text', /expected a mapping/],
  ['- a', /expected a mapping/],
  ['authentication: text', /authentication: expected a mapping/],
  [
    'authentication: {anonymous: {enabled: maybe}}',
    /authentication\.anonymous\.enabled: expected true/,
  ],
  ['authorization: {mode: [Webhook]}', /authorization\.mode: expected a text/],
  ['readOnlyPort: many', /readOnlyPort: expected a whole number/],
  ['readOnlyPort: {}', /readOnlyPort: expected a text/],
  ['tlsCipherSuites: TLS_A', /tlsCipherSuites: expected a list/],
  ['tlsCipherSuites: [[a]]', /tlsCipherSuites\[0\]: expected a text/],
];

for (const [text, message] of BAD) {
  t.test(`a configuration ${text} is refused by the place at fault`, async (t) => {
    const look = readKubeletConfig(openHost(t.testdir(treeOf({ [CONF]: text }))));
    const error: unknown = await look.catch((thrown: unknown) => thrown);
    t.ok(error instanceof KubeletConfigError);
    t.match(error, { path: CONF, reason: 'parse', message });
  });
}
