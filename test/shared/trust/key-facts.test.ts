import t from 'tap';
import { readKeyFacts } from '../../../shared/trust/key-facts.ts';
import type { KeyRole } from '../../../shared/trust/key-types.ts';
import { certificate, ecKey, ed25519Key, pem, rsaKey } from '../../support/certificates.ts';
import { packet, TestKey } from '../../support/openpgp-packets.ts';
import { fixture } from '../../support/trust-fixtures.ts';

const NOW = Date.UTC(2026, 0, 1);

/** What is said of each key of a file: fingerprint's end, algorithm, and what stands against it. */
async function tell(role: KeyRole, bytes: Uint8Array): Promise<readonly string[]> {
  const { keys, undecided, problem } = await readKeyFacts(role, bytes, NOW);
  return [
    ...keys.map(({ fingerprint, algorithm, isExpired, isRevoked, weaknesses }) =>
      [
        fingerprint.slice(-8),
        algorithm,
        ...(isExpired ? ['expired'] : []),
        ...(isRevoked ? ['revoked'] : []),
        ...weaknesses,
      ].join(' '),
    ),
    ...undecided.map((fingerprint) => `undecided ${fingerprint.slice(-8)}`),
    ...(problem === undefined ? [] : ['problem']),
  ];
}

/** Fingerprints are those that `gpg --show-keys` prints for the same files. */
const FILES: readonly (readonly [file: string, expected: readonly string[]])[] = [
  ['rsa.pgp', ['F745B60A RSA 2048']],
  ['rsa.asc', ['F745B60A RSA 2048']],
  ['rsa1024.pgp', ['D3587B41 RSA 1024 algorithm']],
  ['dsa1024.pgp', ['A0EFBF53 DSA algorithm self-signature']],
  ['dsa2048.pgp', ['D04571A3 DSA algorithm']],
  ['nistp256.pgp', ['CB1CDD53 ECDSA']],
  ['ed25519.pgp', ['F688DD7E EdDSA']],
  ['expired.pgp', ['2FF01B7C EdDSA expired']],
  ['expired-then-extended.pgp', ['2FF01B7C EdDSA']],
  ['revoked-superseded.pgp', ['7713A512 EdDSA revoked']],
  ['not-yet-revoked.pgp', ['7713A512 EdDSA']],
  ['two-armored.asc', ['F688DD7E EdDSA', 'F745B60A RSA 2048']],
  ['revocation.asc', ['problem']],
];

for (const [file, expected] of FILES) {
  t.test(`${file} is told to be ${expected.join(' and ')}`, async (t) => {
    t.strictSame(await tell('openpgp', fixture(`keys/${file}`)), expected);
  });
}

t.test(
  'a key whose self-signatures are all by SHA-1 is weak, one that has another is not',
  async (t) => {
    const key = new TestKey(1_500_000_000);
    const sha1 = key.certificate({ hash: 2 });
    const both = Buffer.concat([
      sha1,
      key.signature(key.userIdInput(Buffer.from('test <test@fixtures.example>')), { type: 0x13 }),
    ]);
    const end = key.fingerprint.toString('hex').toUpperCase().slice(-8);
    t.strictSame(await tell('openpgp', sha1), [`${end} RSA 1024 algorithm self-signature`]);
    t.strictSame(await tell('openpgp', both), [`${end} RSA 1024 algorithm`]);
  },
);

t.test('a key of the future, or one without a user ID of its own, is none', async (t) => {
  t.strictSame(await tell('openpgp', new TestKey(NOW / 1000 + 1000).certificate()), ['problem']);
  const key = new TestKey(1_500_000_000);
  t.strictSame(await tell('openpgp', packet(6, key.body)), ['problem']);
});

t.test('sigstore keys are told by their SubjectPublicKeyInfo', async (t) => {
  for (const [key, expected] of [
    [rsaKey(2048), 'RSA 2048'],
    [rsaKey(1024), 'RSA 1024 algorithm'],
    [ecKey(), 'ECDSA'],
    [ed25519Key(), 'ED25519'],
  ] as const) {
    const [line = ''] = await tell('sigstore', Buffer.from(key.pem));
    t.match(line, new RegExp(`^[0-9a-f]{8} ${expected}$`));
  }
});

t.test('certificates of an authority are told by their keys and their end', async (t) => {
  const ca = (notAfter: Date, key = ecKey()) =>
    pem(
      certificate({
        subject: 'ca',
        issuer: 'ca',
        key,
        signer: key,
        notBefore: new Date('2020-01-01T00:00:00Z'),
        notAfter,
      }),
    );
  const good = ca(new Date('2030-01-01T00:00:00Z'));
  const old = ca(new Date('2025-12-31T00:00:00Z'));
  t.match(await tell('authority', Buffer.from(good)), [/^[0-9a-f]{8} ECDSA$/]);
  t.match(await tell('authority', Buffer.from(old + good)), [/ECDSA expired$/, /ECDSA$/]);
  const small = ca(new Date('2030-01-01T00:00:00Z'), rsaKey(1024));
  t.match(await tell('authority', Buffer.from(small)), [/RSA 1024 algorithm$/]);
});

t.test('what is no key is a problem, whatever it is', async (t) => {
  const cut = fixture('keys/rsa.pgp').subarray(0, 200);
  const huge = Buffer.alloc(1_000_000, 0x41);
  const contents = [Buffer.alloc(0), Buffer.from('key'), Buffer.from([0, 255, 0x99]), cut, huge];
  for (const role of ['openpgp', 'sigstore', 'authority'] as const) {
    for (const content of contents) t.strictSame(await tell(role, content), ['problem']);
  }
  t.strictSame(await tell('sigstore', fixture('keys/rsa.asc')), ['problem']);
  t.strictSame(await tell('openpgp', Buffer.from(ecKey().pem)), ['problem']);
});
