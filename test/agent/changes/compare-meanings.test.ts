import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { compareMeanings } from '../../../agent/changes/compare-meanings.ts';
import { keyFingerprints } from '../../../agent/changes/key-fingerprints.ts';
import { type Meaning, meaningOf } from '../../../agent/changes/meaning.ts';
import { sha256 } from '../../../shared/canonical.ts';

const POLICY = '/etc/containers/policy.json';
const ACCEPT = '{"default":[{"type":"insecureAcceptAnything"}]}';
const REJECT = '{"default":[{"type":"reject"}]}';
const KEYS = join(import.meta.dirname, '../../fixtures/trust/keys');

function meant(path: string, text: string | Uint8Array | undefined): Meaning | 'absent' {
  if (text === undefined) return 'absent';
  const meaning = meaningOf(path, Buffer.from(text), false);
  if (meaning === undefined) throw new Error(`${path} means nothing`);
  return meaning;
}

const CASES: readonly (readonly [
  name: string,
  path: string,
  was: string | undefined,
  now: string | undefined,
  expected: object | undefined,
])[] = [
  [
    'a policy that is weaker',
    POLICY,
    REJECT,
    ACCEPT,
    { kind: 'policy', effect: 'weakened', weakened: 1, strengthened: 0, neutral: 0 },
  ],
  [
    'a policy that is stronger',
    POLICY,
    ACCEPT,
    REJECT,
    { effect: 'strengthened', strengthened: 1 },
  ],
  ['a policy that means the same', POLICY, ACCEPT, ` ${ACCEPT}\n`, { effect: 'none', lines: [] }],
  [
    'a policy no tool can read',
    POLICY,
    ACCEPT,
    '{',
    { kind: 'policy', was: 'valid', now: 'invalid' },
  ],
  ['a policy that can be read again', POLICY, '{}', ACCEPT, { was: 'invalid', now: 'valid' }],
  ['a policy that is gone', POLICY, ACCEPT, undefined, undefined],
  [
    'a policy of a namespace',
    '/etc/crio/policies/shop.json',
    REJECT,
    ACCEPT,
    { effect: 'weakened' },
  ],
  [
    'a place of signatures',
    '/etc/containers/registries.d/x.yaml',
    'docker: {q.io: {lookaside: "https://a/"}}',
    'docker: {q.io: {lookaside: "https://b/"}}',
    {
      kind: 'settings',
      changed: ['docker["q.io"].lookaside'],
      values: [{ at: 'docker["q.io"].lookaside', was: 'https://a/', now: 'https://b/' }],
    },
  ],
  [
    'a new drop-in',
    '/etc/containers/registries.conf.d/x.conf',
    undefined,
    '[[registry]]\nprefix = "q.io"\ninsecure = true\n',
    { added: ['registry["q.io"].insecure', 'registry["q.io"].prefix'], removed: [], changed: [] },
  ],
  [
    'a drop-in that went',
    '/etc/sysctl.d/x.conf',
    'a = 1\n',
    undefined,
    { removed: ['a'], values: [{ at: 'a', was: '1', now: null }] },
  ],
];

for (const [name, path, was, now, expected] of CASES) {
  t.test(`${name} is told by what it means`, async (t) => {
    const found = compareMeanings(meant(path, was), meant(path, now));
    if (expected === undefined) t.equal(found, undefined);
    else t.match(found, expected);
  });
}

t.test('of settings that may hold secrets the names alone are told, and kept', async (t) => {
  for (const path of [
    '/etc/crio/crio.conf',
    '/etc/crio/crio.conf.d/10-proxy',
    '/etc/containers/containers.conf',
    '/etc/kubernetes/kubelet.conf',
    '/etc/kubernetes/manifests/x.yaml',
    '/etc/cni/net.d/x.conflist',
  ]) {
    const isToml = /crio|containers/.test(path);
    const text = (value: string): string => (isToml ? `a = "${value}"\n` : `a: ${value}\n`);
    const [was, now] = [meant(path, text('hunter2')), meant(path, text('hunter3'))];
    t.strictSame(compareMeanings(was, now), {
      kind: 'settings',
      added: [],
      removed: [],
      changed: ['a'],
    });
    t.notMatch(JSON.stringify([was, now]), 'hunter', path);
  }
});

t.test('many changes are bounded, and counted', async (t) => {
  const text = (value: number): string =>
    Array.from({ length: 30 }, (_, n) => `k${String(n).padStart(2, '0')}=${value}\n`).join('');
  const path = '/etc/sysctl.d/x.conf';
  const found = compareMeanings(meant(path, text(1)), meant(path, text(2)));
  t.match(found, { changed: { 19: 'k19', 20: 'and 10 more', length: 21 }, values: { length: 20 } });
});

t.test('a long value is cut, and still told from another', async (t) => {
  const path = '/etc/sysctl.d/x.conf';
  const long = (end: string): string => `a=${'x'.repeat(1000)}${end}\n`;
  const found = compareMeanings(meant(path, long('1')), meant(path, long('2')));
  t.match(found, { changed: ['a'] });
  t.match(found, { values: [{ was: /^x+…/, now: /^x+…/ }] });
  t.ok(JSON.stringify(found).length < 1000);
});

t.test('nobody can write a file whose change is too long to be told', async (t) => {
  const limit = 131_072;
  const control = '\\u0001'.repeat(3000);
  const toml = (value: number): string =>
    Array.from(
      { length: 3 },
      (_, n) => `[[registry]]\nprefix = "${n}${control}"\na${value} = 1\n`,
    ).join('');
  const conf = '/etc/containers/registries.conf.d/x.conf';
  const policy = (type: string): string => {
    const scopes = Array.from({ length: 9 }, (_, n) => [
      `${n}${'a'.repeat(20_000)}.io`,
      [{ type }],
    ]);
    return JSON.stringify({
      default: [{ type: 'reject' }],
      transports: { docker: Object.fromEntries(scopes) },
    });
  };
  for (const [path, was, now] of [
    [conf, toml(1), toml(2)],
    [POLICY, policy('reject'), policy('insecureAcceptAnything')],
  ] as const) {
    const found = compareMeanings(meant(path, was), meant(path, now));
    t.ok(found !== undefined && JSON.stringify(found).length < limit / 2, path);
  }
});

t.test('files that mean nothing to us, that are too long or no text', async (t) => {
  for (const [path, bytes] of [
    ['/etc/sudoers.d/x', 'x'],
    ['/etc/containers/certs.d/q.io/client.key', 'x'],
    [POLICY, 'x'.repeat(300_000)],
    [POLICY, Buffer.from([0xff, 0xfe])],
    ['/etc/crio/crio.conf', '[[['],
  ] as const) {
    t.equal(meaningOf(path, Buffer.from(bytes), false), undefined, path);
  }
});

t.test('keys go by their fingerprints, whatever is written around them', async (t) => {
  const path = '/etc/pki/rpm-gpg/key';
  const [binary, armored] = ['rsa.pgp', 'rsa.asc'].map((name) => readFileSync(join(KEYS, name)));
  const other = readFileSync(join(KEYS, 'ed25519.pgp'));
  t.strictSame(compareMeanings(meant(path, binary), meant(path, armored)), {
    kind: 'keys',
    added: [],
    removed: [],
  });
  t.match(compareMeanings(meant(path, binary), meant(path, other)), {
    added: [/^[0-9A-F]{40}$/],
    removed: [/^[0-9A-F]{40}$/],
  });
  t.match(compareMeanings('absent', meant(path, armored)), { added: { length: 1 } });
});

t.test('a public key and a certificate of it have one fingerprint', async (t) => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const pem = publicKey.export({ format: 'pem', type: 'spki' }) as string;
  t.strictSame(keyFingerprints(Buffer.from(`text\n${pem}${pem}`)), [sha256(spki)]);
  const folder = t.testdir({ 'key.pem': privateKey.export({ format: 'pem', type: 'pkcs8' }) });
  const request = ['req', '-x509', '-key', join(folder, 'key.pem'), '-subj', '/CN=x'];
  const certificate = execFileSync('openssl', request, { stdio: ['ignore', 'pipe', 'pipe'] });
  t.strictSame(keyFingerprints(certificate), [sha256(spki)]);
});

t.test('what holds no key has no fingerprint, a block that is none goes by itself', async (t) => {
  for (const text of ['', 'text', '-----BEGIN PUBLIC KEY-----\n', '\u0000\u00ff']) {
    t.strictSame(keyFingerprints(Buffer.from(text, 'latin1')), []);
  }
  const block = '-----BEGIN PUBLIC KEY-----\nQUJD\n-----END PUBLIC KEY-----\n';
  t.strictSame(keyFingerprints(Buffer.from(block)), [sha256('ABC')]);
});
