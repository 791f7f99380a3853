import { chmodSync, chownSync, writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { keyName } from '../../../agent/checks/trust-key-fingerprints.ts';
import { trustPolicy } from '../../../agent/checks/trust-policy.ts';
import { type Baseline, captureBaseline } from '../../../agent/desired/baseline.ts';
import { certificate, ecKey, pem, rsaKey } from '../../support/certificates.ts';
import { contextAt, say, treeOf } from '../../support/host-tree.ts';
import { TestKey } from '../../support/openpgp-packets.ts';
import { fixture } from '../../support/trust-fixtures.ts';

const POLICY = '/etc/containers/policy.json';
const KEY = '/etc/key';
const FILES = 'trust.key-files';
const PRINTS = 'trust.key-fingerprints';
const RSA = fixture('keys/rsa.asc');
const ED25519 = fixture('keys/ed25519.pgp');
const BOTH = fixture('keys/two-armored.asc');
const EC = Buffer.from(ecKey().pem);
const OTHER_EC = Buffer.from(ecKey().pem);

const openpgp = (keyPath: string) => ({ type: 'signedBy', keyType: 'GPGKeys', keyPath });
const sigstore = (keyPath: string) => ({ type: 'sigstoreSigned', keyPath });
const pki = (caRootsPath: string) => ({
  type: 'sigstoreSigned',
  pki: { caRootsPath, subjectEmail: 'a@b.test' },
});
const policyOf = (...requirements: readonly object[]): string =>
  JSON.stringify({ default: requirements });
function authority(notAfter: string, key = ecKey()): Buffer {
  return Buffer.from(pem(certificate({ key, signer: key, notAfter: new Date(notAfter) })));
}

/** A node whose policy asks for this requirement, with `content` in the one key file. */
function node(
  t: Test,
  content: Uint8Array | undefined,
  requirement: object = openpgp(KEY),
): string {
  const root = t.testdir(treeOf({ [POLICY]: policyOf(requirement) }));
  if (content !== undefined) writeFileSync(`${root}${KEY}`, content, { mode: 0o644 });
  return root;
}

const CASES: readonly (readonly [
  name: string,
  content: Uint8Array | undefined,
  requirement: object,
  expected: string,
])[] = [
  ['an OpenPGP key', RSA, openpgp(KEY), 'pass'],
  ['two OpenPGP keys', BOTH, openpgp(KEY), 'pass'],
  ['a key on an elliptic curve', ED25519, openpgp(KEY), 'pass'],
  ['a sigstore key', EC, sigstore(KEY), 'pass'],
  ['an authority', authority('2050-01-01'), pki(KEY), 'pass'],
  ['no file', undefined, openpgp(KEY), 'fail high missing'],
  ['nothing', Buffer.alloc(0), openpgp(KEY), 'fail high empty'],
  ['a text', Buffer.from('key'), openpgp(KEY), 'fail high not-a-key'],
  ['half a key', RSA.subarray(0, 300), openpgp(KEY), 'fail high not-a-key'],
  ['a sigstore key where OpenPGP is asked for', EC, openpgp(KEY), 'fail high not-a-key'],
  ['an OpenPGP key where sigstore is asked for', RSA, sigstore(KEY), 'fail high not-a-key'],
  ['a key in the place of an authority', EC, pki(KEY), 'fail high not-a-key'],
  ['an expired key', fixture('keys/expired.pgp'), openpgp(KEY), 'fail high expired'],
  ['a revoked key', fixture('keys/revoked-superseded.pgp'), openpgp(KEY), 'fail high revoked'],
  [
    'an expired key beside a good one',
    Buffer.concat([ED25519, fixture('keys/expired.pgp')]),
    openpgp(KEY),
    'fail low expired',
  ],
  ['a short RSA key', fixture('keys/rsa1024.pgp'), openpgp(KEY), 'fail high weak'],
  ['a DSA key', fixture('keys/dsa2048.pgp'), openpgp(KEY), 'fail high weak'],
  ['a short sigstore key', Buffer.from(rsaKey(1024).pem), sigstore(KEY), 'fail high weak'],
  ['an expired authority', authority('2024-01-01'), pki(KEY), 'fail high expired'],
  ['a weak authority', authority('2050-01-01', rsaKey(1024)), pki(KEY), 'fail high weak'],
];

for (const [name, content, requirement, expected] of CASES) {
  t.test(`a key file that holds ${name} is judged ${expected}`, async (t) => {
    const root = node(t, content, requirement);
    const findings = await trustPolicy.run(contextAt(root), AbortSignal.timeout(10_000));
    const found = findings.filter(({ ruleId }) => ruleId === FILES);
    t.strictSame(
      found.map(({ result, severity, reason, subject }) => [
        result === 'pass' ? result : `${result} ${severity} ${reason}`,
        subject,
      ]),
      [[expected, KEY]],
    );
  });
}

t.test('SHA-1 alone behind a key of good length is a failure of less weight', async (t) => {
  const key = new TestKey(1_500_000_000, 2048);
  const root = node(t, key.certificate({ hash: 2 }));
  const findings = await trustPolicy.run(contextAt(root), AbortSignal.timeout(10_000));
  t.match(
    findings.find(({ ruleId }) => ruleId === FILES),
    {
      result: 'fail',
      severity: 'medium',
      reason: 'weak-hash',
    },
  );
});

t.test('each key of each policy is judged for itself', async (t) => {
  const root = t.testdir(
    treeOf({
      [POLICY]: policyOf({
        type: 'signedBy',
        keyType: 'GPGKeys',
        keyPaths: ['/etc/b', '/etc/a', '/etc/gone'],
      }),
      '/etc/a': RSA.toString(),
      '/etc/b': 'none',
      '/etc/crio/crio.conf.d/1': '[crio.image]\nsignature_policy = "/etc/crio/own.json"\n',
      '/etc/crio/own.json': policyOf(sigstore('/etc/crio/key')),
      '/etc/crio/key': EC.toString(),
      '/etc/crio/policies/shop.json': JSON.stringify({
        default: [{ type: 'reject' }],
        transports: {
          docker: {
            'quay.io': [{ type: 'sigstoreSigned', keyDatas: ['bm9uZQ==', EC.toString('base64')] }],
          },
        },
      }),
    }),
  );
  t.strictSame(await linesOf(FILES, root), [
    'pass @ /etc/a',
    'fail not-a-key @ /etc/b',
    'pass @ /etc/crio/key',
    'fail not-a-key @ /etc/crio/policies/shop.json keyData',
    'fail missing @ /etc/gone',
  ]);
});

t.test(
  'a key of another user can be replaced by him',
  { skip: process.getuid?.() !== 0 && 'needs root' },
  async (t) => {
    const root = node(t, RSA);
    chownSync(`${root}${KEY}`, 1234, 0);
    t.strictSame(await linesOf(FILES, root), [`fail owner @ ${KEY}`]);
    chownSync(`${root}${KEY}`, 0, 1234);
    t.strictSame(await linesOf(FILES, root), [`pass @ ${KEY}`]);
    chmodSync(`${root}${KEY}`, 0o664);
    t.strictSame(await linesOf(FILES, root), [`fail writable @ ${KEY}`]);
  },
);

t.test('without a baseline fingerprints are shown and not judged', async (t) => {
  const root = node(t, BOTH);
  const findings = await trustPolicy.run(contextAt(root), AbortSignal.timeout(10_000));
  t.match(
    findings.find(({ ruleId }) => ruleId === PRINTS),
    {
      result: 'notchecked',
      severity: 'info',
      reason: 'no-baseline',
      observed: {
        fingerprints:
          '159937B3505C6F56E0878C059674395AF688DD7E B82363D06194F61F890C997D54D4A76AF745B60A',
        keys: 2,
      },
    },
  );
});

const CHANGES: readonly (readonly [
  name: string,
  was: Uint8Array,
  is: Uint8Array | undefined,
  requirement: object,
  expected: string,
])[] = [
  ['stays', RSA, RSA, openpgp(KEY), 'pass'],
  ['is written otherwise', RSA, fixture('keys/rsa.pgp'), openpgp(KEY), 'pass'],
  ['is replaced', RSA, ED25519, openpgp(KEY), 'fail swapped'],
  ['gets another beside it', RSA, BOTH, openpgp(KEY), 'fail extra'],
  ['loses another beside it', BOTH, RSA, openpgp(KEY), 'fail missing'],
  ['is no key any more', RSA, Buffer.from('x'), openpgp(KEY), 'fail missing'],
  ['is gone', RSA, undefined, openpgp(KEY), 'fail missing'],
  ['of sigstore stays', EC, EC, sigstore(KEY), 'pass'],
  ['of sigstore is replaced', EC, OTHER_EC, sigstore(KEY), 'fail swapped'],
  [
    'of an authority is replaced',
    authority('2050-01-01'),
    authority('2050-01-01'),
    pki(KEY),
    'fail swapped',
  ],
];

for (const [name, was, is, requirement, expected] of CHANGES) {
  t.test(`a key that ${name} since it was accepted is judged ${expected}`, async (t) => {
    const baseline = await accept(node(t, was, requirement));
    t.strictSame(await linesOf(PRINTS, node(t, is, requirement), baseline), [
      `${expected} @ ${KEY}`,
    ]);
  });
}

t.test('keys in the policy itself are held to what was accepted of all of them', async (t) => {
  const inline = (key: Buffer) => ({ type: 'sigstoreSigned', keyData: key.toString('base64') });
  const baseline = await accept(node(t, undefined, inline(EC)));
  const subject = `${POLICY} keyData`;
  t.strictSame(await linesOf(PRINTS, node(t, undefined, inline(EC)), baseline), [
    `pass @ ${subject}`,
  ]);
  t.strictSame(await linesOf(PRINTS, node(t, undefined, inline(OTHER_EC)), baseline), [
    `fail swapped @ ${subject}`,
  ]);
});

t.test(
  'a key that a cluster repeats in every scope and namespace is one key of each policy',
  async (t) => {
    const signed = [{ type: 'sigstoreSigned', keyData: EC.toString('base64') }];
    const docker = Object.fromEntries(['a', 'b', 'c'].map((name) => [`${name}.test`, signed]));
    const text = JSON.stringify({ default: [{ type: 'reject' }], transports: { docker } });
    const root = t.testdir(
      treeOf({
        [POLICY]: text,
        '/etc/crio/policies/shop.json': text,
        '/etc/crio/policies/till.json': text,
      }),
    );
    t.strictSame(await linesOf(FILES, root), [
      `pass @ ${POLICY} keyData`,
      'pass @ /etc/crio/policies/shop.json keyData',
      'pass @ /etc/crio/policies/till.json keyData',
    ]);
  },
);

t.test('a key nobody accepted is extra, one that is no longer named is missing', async (t) => {
  const baseline = await accept(node(t, RSA));
  const root = t.testdir(
    treeOf({ [POLICY]: policyOf(openpgp('/etc/other')), '/etc/other': RSA.toString() }),
  );
  t.strictSame(await linesOf(PRINTS, root, baseline), [
    'fail extra @ /etc/other',
    `fail missing @ ${KEY}`,
  ]);
  t.strictSame(await linesOf(PRINTS, root, await accept(root, baseline)), ['pass @ /etc/other']);
});

t.test('the first key after a baseline without keys is extra', async (t) => {
  const none = t.testdir(treeOf({ [POLICY]: policyOf({ type: 'reject' }) }));
  const baseline = await accept(none);
  t.strictSame(await linesOf(PRINTS, node(t, RSA), baseline), [`fail extra @ ${KEY}`]);
});

t.test('a baseline of a version that did not look at keys says nothing of them', async (t) => {
  const baseline = captureBaseline({ findings: [], files: {}, ...BY });
  t.strictSame(await linesOf(PRINTS, node(t, RSA), baseline), [`notchecked no-baseline @ ${KEY}`]);
});

t.test('a key that people know goes by its name and is trusted no more for it', async (t) => {
  t.equal(
    keyName('567E347AD0044ADE55BA8A5F199E2F91FD431D51'),
    '567E347AD0044ADE55BA8A5F199E2F91FD431D51 (Red Hat release key 2)',
  );
  t.equal(keyName('0'.repeat(40)), '0'.repeat(40));
});

const BY = { acceptedAt: '2026-01-01T00:00:00Z', acceptedBy: 'admin' };

async function accept(root: string, baseline?: Baseline): Promise<Baseline> {
  const findings = await trustPolicy.run(contextAt(root, baseline), AbortSignal.timeout(10_000));
  return captureBaseline({ findings, files: {}, ...BY });
}

async function linesOf(
  rule: string,
  root: string,
  baseline?: Baseline,
): Promise<readonly string[]> {
  const lines = await say(trustPolicy, root, baseline);
  return lines
    .filter((line) => line.startsWith(`${rule} `))
    .map((line) => line.slice(rule.length + 1));
}
