import t from 'tap';
import { node } from '../../../agent/checks/node.ts';
import { contextAt, say, treeOf } from '../../support/host-tree.ts';

const RULE = 'node.kubelet-hardening';
const CONF = '/etc/kubernetes/kubelet.conf';
const UNIT = '/etc/systemd/system/kubelet.service';
type Files = Readonly<Record<string, string>>;
const STRONG = 'tlsCipherSuites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]\n';

/** What is told to kubelet, and the lines that do not pass. */
const CASES: readonly (readonly [name: string, files: Files, expected: readonly string[]])[] = [
  [
    'that says everything',
    {
      [CONF]: `authentication: {anonymous: {enabled: false}}\nauthorization: {mode: Webhook}\nreadOnlyPort: 0\ntlsMinVersion: VersionTLS13\n${STRONG}`,
    },
    [],
  ],
  ['that leaves it to the defaults of a file', { [CONF]: STRONG }, []],
  [
    'that names no cipher suites',
    { [CONF]: 'kind: X\n' },
    ['notapplicable not-expected @ tlsCipherSuites'],
  ],
  [
    'that serves anonymous requests',
    { [CONF]: `${STRONG}authentication: {anonymous: {enabled: true}}\n` },
    ['fail anonymous @ authentication.anonymous.enabled'],
  ],
  [
    'that allows everything',
    { [CONF]: `${STRONG}authorization: {mode: AlwaysAllow}\n` },
    ['fail authorization @ authorization.mode'],
  ],
  [
    'that opens the read-only port',
    { [CONF]: `${STRONG}readOnlyPort: 10255\n` },
    ['fail read-only-port @ readOnlyPort'],
  ],
  ...['VersionTLS10', 'VersionTLS11', 'TLS12'].map(
    (version) =>
      [
        `that speaks ${version}`,
        { [CONF]: `${STRONG}tlsMinVersion: ${version}\n` },
        ['fail tls-version @ tlsMinVersion'],
      ] as const,
  ),
  ...[
    'TLS_RSA_WITH_AES_128_GCM_SHA256',
    'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA',
    'TLS_RSA_WITH_RC4_128_SHA',
  ].map(
    (suite) =>
      [
        `that offers ${suite}`,
        { [CONF]: `tlsCipherSuites: [TLS_AES_128_GCM_SHA256, ${suite}]\n` },
        ['fail weak-ciphers @ tlsCipherSuites'],
      ] as const,
  ),
  [
    'whose unit overrules its file',
    {
      [CONF]: `${STRONG}readOnlyPort: 0\n`,
      [UNIT]:
        '[Service]\nExecStart=kubelet \\\n  --config=/etc/kubernetes/kubelet.conf \\\n  --read-only-port=10255\n',
    },
    ['fail read-only-port @ readOnlyPort'],
  ],
  [
    'whose drop-in overrules its unit',
    {
      [CONF]: STRONG,
      [UNIT]: `[Service]\nExecStart=kubelet --config=${CONF} $ARGS\n`,
      [`${UNIT}.d/20-args.conf`]: '[Service]\nEnvironment="ARGS=--anonymous-auth=true --v=2"\n',
    },
    ['fail anonymous @ authentication.anonymous.enabled'],
  ],
  [
    'whose command does not name its file',
    { [CONF]: STRONG, [UNIT]: '[Service]\nExecStart=/usr/bin/kubelet --v=2\n' },
    [
      'fail anonymous @ authentication.anonymous.enabled',
      'fail authorization @ authorization.mode',
      'fail read-only-port @ readOnlyPort',
      'notapplicable not-expected @ tlsCipherSuites',
    ],
  ],
  ['that is not there', {}, ['notapplicable no-kubelet']],
  ['whose file is no YAML', { [CONF]: 'a: [' }, ['error parse']],
  ['whose port is no number', { [CONF]: 'readOnlyPort: x\n' }, ['error parse']],
];

for (const [name, files, expected] of CASES) {
  t.test(`a kubelet ${name}`, async (t) => {
    const lines = await say(node, t.testdir(treeOf(files)));
    t.strictSame(
      lines.filter((line) => line.startsWith(`${RULE} `) && !line.startsWith(`${RULE} pass`)),
      expected.map((line) => `${RULE} ${line}`),
    );
  });
}

t.test('a finding says who decides', async (t) => {
  const unit = `[Service]\nExecStart=kubelet --config=${CONF} --read-only-port 10255\n`;
  const files = { [CONF]: STRONG, [UNIT]: unit };
  const root = t.testdir(treeOf(files));
  const findings = await node.run(contextAt(root), AbortSignal.timeout(5000));
  t.match(
    findings.find(({ subject }) => subject === 'readOnlyPort'),
    {
      result: 'fail',
      message: '--read-only-port of kubelet.service has readOnlyPort 10255, expected 0',
      observed: { value: 10255, from: '--read-only-port of kubelet.service' },
    },
  );
  t.match(
    findings.find(({ subject }) => subject === 'authorization.mode'),
    { result: 'pass', observed: { value: 'Webhook', from: 'default' } },
  );
});
