import t from 'tap';
import { assertUsable, configSchema, linkAddress } from '../../agent/config.ts';
import { ConfigError, parseConfig } from '../../shared/config.ts';

t.test('an empty file is a usable configuration', async (t) => {
  const config = parseConfig('', 'agent.yaml', configSchema);
  assertUsable(config);
  t.match(config, {
    hostRoot: '/',
    stateDir: '/var/lib/nodeseal/agent',
    intervalMs: 300_000,
    checks: { exclude: [] },
    logLevel: 'info',
  });
  t.equal(config.aggregator, undefined);
});

t.test('everything can be said', async (t) => {
  const text = `
hostRoot: /host
stateDir: /var/lib/x
nodeName: worker-3
aggregator: {url: "https://aggregator.example:8443", tokenFile: /run/token, caFile: /run/ca.crt}
interval: 90s
checks: {include: [selinux, fips], exclude: [fips]}
logLevel: debug
sources: [store, lookaside]
release:
  keyFiles: [/etc/pki/rpm-gpg/RPM-GPG-KEY-redhat-release]
  signatures: /etc/nodeseal/signatures
  imageReferences: /etc/nodeseal/image-references
  image: sha256:${'a'.repeat(64)}
profile: stig
exceptionsFile: /etc/nodeseal/exceptions.yaml
`;
  t.same(parseConfig(text, 'agent.yaml', configSchema), {
    hostRoot: '/host',
    stateDir: '/var/lib/x',
    nodeName: 'worker-3',
    aggregator: {
      url: 'https://aggregator.example:8443',
      tokenFile: '/run/token',
      caFile: '/run/ca.crt',
      allowPlain: false,
    },
    intervalMs: 90_000,
    checks: { include: ['selinux', 'fips'], exclude: ['fips'] },
    logLevel: 'debug',
    sources: ['store', 'lookaside'],
    release: {
      keyFiles: ['/etc/pki/rpm-gpg/RPM-GPG-KEY-redhat-release'],
      signatures: '/etc/nodeseal/signatures',
      imageReferences: '/etc/nodeseal/image-references',
      image: `sha256:${'a'.repeat(64)}`,
    },
    profile: 'stig',
    exceptionsFile: '/etc/nodeseal/exceptions.yaml',
  });
});

t.test('a node that enrols by itself keeps its credential in the state directory', async (t) => {
  const text =
    'stateDir: /var/lib/x\naggregator: {url: "https://a", joinTokenFile: /etc/join.token}';
  t.match(parseConfig(text, 'agent.yaml', configSchema).aggregator, {
    joinTokenFile: '/etc/join.token',
    tokenFile: '/var/lib/x/agent.token',
    certificateFile: '/var/lib/x/node.pem',
  });
});

t.test('a node that only has a token, or only a certificate, says so', async (t) => {
  const linkOf = (members: string) =>
    parseConfig(`aggregator: {url: "https://a", ${members}}`, 'agent.yaml', configSchema)
      .aggregator;
  t.equal(linkOf('tokenFile: /t')?.certificateFile, undefined);
  t.equal(linkOf('certificateFile: /c')?.certificateFile, '/c');
});

const link = (members: string): string => `aggregator: {tokenFile: /t, ${members}}`;
const bad: readonly (readonly [string, RegExp])[] = [
  ['hostroot: /', /hostroot: unknown key, did you mean "hostRoot"/],
  ['token: abc', /token: unknown key/],
  ['profile: own.d/own.yaml', /profile: expected the name of a profile or an absolute path/],
  ['profile: ""', /profile: expected the name of a profile/],
  ['profile: [stig]', /profile: expected string/],
  ['exceptionsFile: exceptions.yaml', /exceptionsFile: expected an absolute path/],
  ['exceptionFile: /e', /exceptionFile: unknown key, did you mean "exceptionsFile"/],
  ['sources: []', /sources: expected a source of signatures/],
  ['sources: [stor]', /sources/],
  ['release: {keyFiles: [/k]}', /release\.signatures/],
  ['release: {keyFiles: [], signatures: /s}', /release\.keyFiles: expected a key file/],
  ['release: {keyFiles: [k], signatures: /s}', /release\.keyFiles.*expected an absolute path/],
  [
    'release: {keyFiles: [/k], signatures: /s, imageReferences: /r}',
    /release: expected imageReferences and image together/,
  ],
  [
    'release: {keyFiles: [/k], signatures: /s, imageReferences: /r, image: "4.16.3"}',
    /release\.image: expected sha256: and 64 hex digits/,
  ],
  ['sources: [store, store]', /sources: expected each source once/],
  ['hostRoot: host', /hostRoot: expected an absolute path/],
  ['stateDir: ""', /stateDir: expected an absolute path/],
  ['nodeName: ""', /nodeName: expected a name/],
  ['interval: 300', /interval: expected string, found 300/],
  ['interval: 5 minutes', /interval: expected a duration as 90s, 5m or 1h/],
  ['interval: 0s', /interval: expected a duration/],
  ['interval: 25h', /interval: expected 24h or less/],
  ['interval: 1e9s', /interval: expected a duration/],
  ['checks: [selinux]', /checks: expected a mapping, found a list/],
  ['checks: {include: selinux}', /checks\.include: expected a list/],
  ['checks: {exclude: [""]}', /checks\.exclude\[0\]: expected the id of a check/],
  ['logLevel: trace', /logLevel: expected debug or info or warn or error, found "trace"/],
  [
    'aggregator: {url: "https://a"}',
    /aggregator: expected tokenFile, certificateFile or joinTokenFile/,
  ],
  ['aggregator: {tokenFile: /t}', /aggregator\.url: missing/],
  [
    link('url: "https://a", token: secret'),
    /aggregator\.token: unknown key, did you mean "tokenFile"|known/,
  ],
  ...[
    'a.example:8443',
    'ftp://a.example',
    'https://',
    'https://user:pass@a.example',
    'https://a.example/v1/agent',
    'https://a.example/?x=1',
    'https://a.example/#x',
    'https://a.example:99999',
    'https://[::1',
  ].map((url): readonly [string, RegExp] => [
    link(`url: "${url}"`),
    /aggregator\.url: expected https:/,
  ]),
];

for (const [text, message] of bad) {
  t.test(`"${text}" is refused`, async (t) => {
    t.throws(() => parseConfig(text, 'agent.yaml', configSchema), { name: 'ConfigError', message });
  });
}

t.test('without TLS only loopback is spoken to', async (t) => {
  const check = (members: string): void =>
    assertUsable(parseConfig(link(members), 'agent.yaml', configSchema));
  for (const url of [
    'http://127.0.0.1:8443',
    'ws://localhost:1',
    'http://[::1]:80',
    'https://a.example',
  ]) {
    check(`url: "${url}"`);
  }
  for (const url of [
    'http://a.example',
    'ws://10.0.0.1:8443',
    'http://127.0.0.1.example',
    'http://[::2]',
  ]) {
    t.throws(() => check(`url: "${url}"`), ConfigError, url);
    check(`url: "${url}", allowPlain: true`);
  }
});

t.test('the address is that of the WebSocket end', async (t) => {
  t.equal(linkAddress({ url: 'https://a.example' }), 'wss://a.example/v1/agent');
  t.equal(linkAddress({ url: 'wss://a.example:8443' }), 'wss://a.example:8443/v1/agent');
  t.equal(linkAddress({ url: 'http://127.0.0.1:1' }), 'ws://127.0.0.1:1/v1/agent');
});
