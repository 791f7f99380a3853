// One piece: tables of signed messages with the outcome of each.
import t from 'tap';
import type { Keyring } from '../../../../shared/trust/openpgp/keyring.ts';
import { loadKeys } from '../../../../shared/trust/openpgp/keys.ts';
import { verifyMessage } from '../../../../shared/trust/openpgp/verify.ts';
import { SignatureError } from '../../../../shared/trust/signature-error.ts';
import {
  literal,
  packet,
  subpacket,
  TestKey,
  uint32,
  zip,
} from '../../../support/openpgp-packets.ts';
import { fixture, keyringOf } from '../../../support/trust-fixtures.ts';

const NOW = Date.UTC(2027, 0, 1);

/** The code of the refusal, or `accepted`. */
function outcome(attempt: () => unknown): string {
  try {
    attempt();
    return 'accepted';
  } catch (error) {
    if (error instanceof SignatureError) return error.code;
    throw error;
  }
}

const INVALID = 'openpgp-invalid';
const COUNT = 'openpgp-signature-count';

const made = [
  ['uncompressed', 'rsa.pgp', 'rsa-plain.sig', 'accepted'],
  ['in ZIP', 'rsa.pgp', 'rsa-zip.sig', 'accepted'],
  ['in ZLIB', 'rsa.pgp', 'rsa-zlib.sig', 'accepted'],
  ['in BZIP2', 'rsa.pgp', 'rsa-bzip2.sig', 'accepted'],
  ['armored', 'rsa.pgp', 'rsa-armored.asc', 'accepted'],
  ['in the cleartext framework', 'rsa.pgp', 'rsa-cleartext.asc', 'accepted'],
  ['in text mode', 'rsa.pgp', 'rsa-text.sig', 'accepted'],
  ['with SHA-1', 'rsa.pgp', 'rsa-SHA1.sig', 'accepted'],
  ['with RIPEMD-160', 'rsa.pgp', 'rsa-RIPEMD160.sig', 'accepted'],
  ['with SHA-224', 'rsa.pgp', 'rsa-SHA224.sig', 'accepted'],
  ['with SHA-384', 'rsa.pgp', 'rsa-SHA384.sig', 'accepted'],
  ['with SHA-512', 'rsa.pgp', 'rsa-SHA512.sig', 'accepted'],
  ['with MD5', 'rsa.pgp', 'rsa-MD5.sig', INVALID],
  ['with a notation', 'rsa.pgp', 'rsa-notation.sig', 'accepted'],
  ['with a critical notation', 'rsa.pgp', 'rsa-notation-critical.sig', INVALID],
  ['with a critical policy address', 'rsa.pgp', 'rsa-policy-critical.sig', 'accepted'],
  ['past its own end', 'rsa.pgp', 'rsa-expired.sig', INVALID],
  ['detached from its content', 'rsa.pgp', 'rsa-detached.sig', COUNT],
  ['by two keys at once, both known', 'two-armored.asc', 'two-signers.sig', COUNT],
  ['by Ed25519', 'ed25519.pgp', 'ed25519.sig', 'accepted'],
  ['by P-256', 'nistp256.pgp', 'nistp256.sig', 'accepted'],
  ['by P-384', 'nistp384.pgp', 'nistp384.sig', 'accepted'],
  ['by P-521', 'nistp521.pgp', 'nistp521.sig', 'accepted'],
  ['by Brainpool P-256', 'brainpoolP256r1.pgp', 'brainpoolP256r1.sig', 'accepted'],
  ['by secp256k1', 'secp256k1.pgp', 'secp256k1.sig', 'accepted'],
  ['by DSA', 'dsa2048.pgp', 'dsa2048.sig', 'accepted'],
  ['by a DSA key of 1024 bits', 'dsa1024.pgp', 'dsa1024-SHA1.sig', 'accepted'],
  ['as OpenSSL cannot verify', 'dsa1024.pgp', 'dsa1024-RIPEMD160.sig', 'algorithm-unavailable'],
  ['by RSA of 1024 bits', 'rsa1024.pgp', 'rsa1024.sig', 'accepted'],
  ['by another key', 'ed25519.pgp', 'rsa-plain.sig', INVALID],
  ['by the second key of a file', 'two-armored.asc', 'rsa-plain.sig', 'accepted'],
  ['by a key in binary before armor', 'binary-then-armored.mixed', 'rsa-plain.sig', INVALID],
  ['by a key that expired afterwards', 'expired.pgp', 'expired-key.sig', INVALID],
  [
    'by that key once its end was put off',
    'expired-then-extended.pgp',
    'expired-key.sig',
    'accepted',
  ],
  ['by a signing subkey', 'subkey.pgp', 'subkey.sig', 'accepted'],
  ['by a subkey revoked afterwards', 'subkey-revoked.pgp', 'subkey.sig', INVALID],
  ['by a subkey that expired afterwards', 'subkey-expired.pgp', 'subkey-expired.sig', INVALID],
  ['by a key before it was revoked', 'not-yet-revoked.pgp', 'revoked-key.sig', 'accepted'],
  [
    'by a key revoked as superseded afterwards',
    'revoked-superseded.pgp',
    'revoked-key.sig',
    INVALID,
  ],
  ['by a key with a designated revoker', 'designated.pgp', 'designated.sig', 'accepted'],
  [
    'by a key no longer meant for signing',
    'no-longer-signing.pgp',
    'no-longer-signing.sig',
    INVALID,
  ],
] as const;

for (const [name, keys, signature, expected] of made) {
  t.test(`a message signed ${name} is ${expected}`, async (t) => {
    const keyring = await keyringOf(keys);
    const bytes = fixture(`signatures/${signature}`);
    t.equal(
      outcome(() => verifyMessage(keyring, bytes, NOW)),
      expected,
    );
  });
}

t.test('a signing subkey is named beside its primary key', async (t) => {
  const { fingerprint, primaryFingerprint } = verifyMessage(
    await keyringOf('subkey.pgp'),
    fixture('signatures/subkey.sig'),
    NOW,
  );
  t.match(fingerprint, /^[0-9A-F]{40}$/);
  t.match(primaryFingerprint, /^[0-9A-F]{40}$/);
  t.not(fingerprint, primaryFingerprint);
});

t.test(
  'a key whose self-signature cannot be verified here decides nothing, and spoils no other',
  async (t) => {
    const undecided = 'dsa1024-RIPEMD160.pgp';
    const at = (keyring: Keyring, name: string) =>
      outcome(() => verifyMessage(keyring, fixture(`signatures/${name}`), NOW));
    for (const keys of [[undecided], [undecided, 'rsa.pgp'], ['rsa.pgp', undecided]]) {
      t.equal(at(await keyringOf(...keys), 'undecided-key.sig'), 'algorithm-unavailable');
    }
    t.equal(at(await keyringOf(undecided, 'rsa.pgp'), 'rsa-plain.sig'), 'accepted');
    t.equal(at(await keyringOf(undecided), 'rsa-plain.sig'), INVALID);
  },
);

t.test('keys merge over files: revocations and later ends count wherever they stand', async (t) => {
  const cases = [
    [['not-yet-revoked.pgp', 'revoked-superseded.pgp'], 'revoked-key.sig', INVALID],
    [['revoked-superseded.pgp', 'not-yet-revoked.pgp'], 'revoked-key.sig', INVALID],
    [['not-yet-revoked.pgp', 'revocation.asc'], 'revoked-key.sig', INVALID],
    [['revocation.asc', 'not-yet-revoked.pgp'], 'revoked-key.sig', 'accepted'],
    [['expired.pgp', 'expired-then-extended.pgp'], 'expired-key.sig', 'accepted'],
    [['expired-then-extended.pgp', 'expired.pgp'], 'expired-key.sig', 'accepted'],
    [['designated-revoked.pgp'], 'designated.sig', 'accepted'],
    [['designated-revoked.pgp', 'revoker.pgp'], 'designated.sig', INVALID],
    [['revoker.pgp', 'designated.pgp'], 'designated.sig', 'accepted'],
  ] as const;
  for (const [keys, signature, expected] of cases) {
    const keyring = await keyringOf(...keys);
    const bytes = fixture(`signatures/${signature}`);
    t.equal(
      outcome(() => verifyMessage(keyring, bytes, NOW)),
      expected,
      keys.join(' + '),
    );
  }
});

const key = new TestKey(Date.UTC(2020, 0, 1) / 1000);
const content = Buffer.from('signed content\n');
const day = 86_400;
const created = key.created + 60;

const crafted = [
  ['a version 3 signature', [key.onePass(), literal(content), key.signature3(content)], 'accepted'],
  ['a signature without a creation time', [key.message(content, { created: 0 })], INVALID],
  ['a signature older than its key', [key.message(content, { created: key.created - 1 })], INVALID],
  [
    'a signature of the second its key was made',
    [key.message(content, { created: key.created })],
    'accepted',
  ],
  [
    'a signature from the future',
    [key.message(content, { created: NOW / 1000 + 9 * day })],
    'accepted',
  ],
  [
    'a signature that ends later',
    [key.message(content, { hashed: [subpacket(3, uint32(NOW / 1000 + 1 - created))] })],
    'accepted',
  ],
  [
    'a signature that ends this second',
    [key.message(content, { hashed: [subpacket(3, uint32(NOW / 1000 - created))] })],
    INVALID,
  ],
  [
    'a life of zero seconds, which is for ever',
    [key.message(content, { hashed: [subpacket(3, uint32(0))] })],
    'accepted',
  ],
  [
    'an unknown critical subpacket',
    [key.message(content, { hashed: [subpacket(99, content, true)] })],
    INVALID,
  ],
  [
    'an unknown subpacket',
    [key.message(content, { hashed: [subpacket(99, content)] })],
    'accepted',
  ],
  [
    'an unknown critical subpacket that is not signed',
    [key.message(content, { unhashed: [subpacket(16, key.keyId), subpacket(99, content, true)] })],
    INVALID,
  ],
  [
    'a certification of a key instead of a document',
    [key.onePass(), literal(content), key.signature(content, { type: 0x13 })],
    INVALID,
  ],
  ['a signature that names no key', [key.message(content, { unhashed: [] })], INVALID],
  [
    'a signature that names its key by fingerprint alone',
    [
      key.message(content, {
        unhashed: [subpacket(33, Buffer.concat([Uint8Array.of(4), key.fingerprint]))],
      }),
    ],
    'accepted',
  ],
  [
    'another content',
    [key.onePass(), literal(Buffer.from('other content\n')), key.signature(content)],
    INVALID,
  ],
  [
    'a one-pass header that announces another hash',
    [key.onePass(10), literal(content), key.signature(content)],
    INVALID,
  ],
  ['MD5', [key.message(content, { hash: 1 })], INVALID],
] as const;

for (const [name, parts, expected] of crafted) {
  t.test(`a message with ${name} is ${expected}`, async (t) => {
    const keyring = await loadKeys([key.certificate()]);
    t.equal(
      outcome(() => verifyMessage(keyring, Buffer.concat(parts), NOW)),
      expected,
    );
  });
}

t.test('a key is judged at the time of asking, whenever the signature was made', async (t) => {
  const keyring = await loadKeys([key.certificate({ hashed: [subpacket(9, uint32(10 * day))] })]);
  const message = key.message(content);
  const at = (seconds: number) => outcome(() => verifyMessage(keyring, message, seconds * 1000));
  t.equal(at(key.created - 1), INVALID, 'before it was made');
  t.equal(at(key.created + 61), 'accepted', 'in its life');
  t.equal(at(key.created + 10 * day), 'accepted', 'in its last second');
  t.equal(at(key.created + 10 * day + 1), INVALID, 'after its end');
});

t.test('no content is given out but what was signed', async (t) => {
  const keyring = await loadKeys([key.certificate()]);
  const { content: given } = verifyMessage(keyring, key.message(content), NOW);
  t.same(given, content);
  // The other half of an old attack: a signature over nothing beside a content of the attacker's.
  const nothing = Buffer.alloc(0);
  const attacks = [
    [key.onePass(), literal(content), key.signature(nothing), packet(10, Buffer.from('PGP'))],
    [key.onePass(), literal(content), packet(10, Buffer.from('PGP')), key.signature(nothing)],
    [key.signature(nothing), literal(content)],
    [key.onePass(), literal(nothing), key.signature(nothing), literal(content)],
    [literal(content), key.onePass(), literal(nothing), key.signature(nothing)],
    [zip(key.message(nothing)), literal(content)],
  ];
  for (const attack of attacks) {
    const result = outcome(() => verifyMessage(keyring, Buffer.concat(attack), NOW));
    const isOfNothing =
      result === 'accepted' &&
      verifyMessage(keyring, Buffer.concat(attack), NOW).content.length === 0;
    t.ok(result !== 'accepted' || isOfNothing, result);
  }
});

t.test('a signature cut short anywhere is refused by our own error', async (t) => {
  const keyring = await keyringOf('rsa.pgp');
  for (const name of ['rsa-plain.sig', 'rsa-zip.sig', 'rsa-zlib.sig', 'rsa-armored.asc']) {
    const whole = fixture(`signatures/${name}`);
    const accepted: number[] = [];
    for (let length = 0; length < whole.length; length++) {
      if (outcome(() => verifyMessage(keyring, whole.subarray(0, length), NOW)) === 'accepted') {
        accepted.push(whole.length - length);
      }
    }
    // GnuPG takes ZLIB data that lack no content, and armor from its checksum line on.
    const bearable = name === 'rsa-zlib.sig' ? 5 : name === 'rsa-armored.asc' ? 40 : 0;
    t.same(
      accepted.filter((missing) => missing > bearable),
      [],
      name,
    );
  }
});

t.test('no flipped bit gives another content or signer', async (t) => {
  const keyring = await keyringOf('rsa.pgp');
  for (const name of ['rsa-plain.sig', 'rsa-zip.sig']) {
    const whole = fixture(`signatures/${name}`);
    const { content: signed, fingerprint } = verifyMessage(keyring, whole, NOW);
    let accepted = 0;
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const flipped = Buffer.from(whole);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      if (outcome(() => verifyMessage(keyring, flipped, NOW)) !== 'accepted') continue;
      accepted++;
      const verified = verifyMessage(keyring, flipped, NOW);
      if (Buffer.compare(verified.content, signed) !== 0 || verified.fingerprint !== fingerprint) {
        t.fail(`${name}: bit ${bit}`);
      }
    }
    // What is not signed may differ: name and date of the literal, the one-pass header, unhashed subpackets.
    t.ok(accepted < whole.length * 8 * 0.12, `${name}: ${accepted} of ${whole.length * 8}`);
  }
});
