import { execFileSync } from 'node:child_process';
import t from 'tap';
import { readCertificates } from '../../../../shared/trust/openpgp/certificate.ts';
import { importedKeys } from '../../../../shared/trust/openpgp/keyring.ts';
import { loadKeys } from '../../../../shared/trust/openpgp/keys.ts';
import { packet, subpacket, TestKey, zip } from '../../../support/openpgp-packets.ts';
import { fixture, keyringOf } from '../../../support/trust-fixtures.ts';

const NOW = Date.UTC(2027, 0, 1) / 1000;
const key = new TestKey(1_577_836_800);
const other = new TestKey(1_577_836_800);
const whole = key.certificate();
const userId = Buffer.from('test <test@fixtures.example>');
const fingerprint = key.fingerprint.toString('hex');
const primary = packet(6, key.body);
const certification = key.signature(key.userIdInput(userId), { type: 0x13 });
const short = packet(2, Uint8Array.of(4, 0x10));

/** Each of these was held against the imports of gpg 2.2.40 by way of skopeo. */
const files = [
  ['one key', [whole], 1],
  ['the same key twice', [whole, whole], 1],
  ['two keys', [Buffer.concat([whole, other.certificate()])], 2],
  ['two files', [whole, other.certificate()], 2],
  ['compressed keys', [zip(whole)], 1],
  ['a marker first', [Buffer.concat([packet(10, Buffer.from('PGP')), whole])], 1],
  ['a signature first', [Buffer.concat([certification, whole])], 1],
  [
    'unknown packets between',
    [Buffer.concat([primary, packet(60, userId), packet(13, userId), certification])],
    1,
  ],
  ['a signature too short to be one', [Buffer.concat([whole, short])], 1],
  ['a key of version 3 before it', [Buffer.concat([packet(6, Buffer.alloc(40, 3)), whole])], 1],
  ['a file without keys beside it', [Buffer.from('hello, no key in here'), whole], 1],
  ['an empty file beside it', [Buffer.alloc(0), whole], 1],
  ['nothing', [], 0],
  ['an empty file', [Buffer.alloc(0)], 0],
  ['garbage', [Buffer.from([0xff, 0, 1, 2, 3])], 0],
  ['a key without a user ID', [Buffer.concat([primary, certification])], 0],
  ['a key without a self-signature', [Buffer.concat([primary, packet(13, userId)])], 0],
  [
    'a self-signature on another user ID',
    [Buffer.concat([primary, packet(13, Buffer.from('x')), certification])],
    0,
  ],
  [
    'a self-signature by another key',
    [
      Buffer.concat([
        primary,
        packet(13, userId),
        other.signature(key.userIdInput(userId), { type: 0x13 }),
      ]),
    ],
    0,
  ],
  ['a user ID of two kilobytes and a byte', [key.certificate({}, [], Buffer.alloc(2049, 'x'))], 0],
  ['a user ID of two kilobytes', [key.certificate({}, [], Buffer.alloc(2048, 'x'))], 1],
  ['a self-signature with MD5', [key.certificate({ hash: 1 })], 0],
  ['a self-signature with SHA-1', [key.certificate({ hash: 2 })], 1],
  ['a self-signature older than the key', [key.certificate({ created: key.created - 1 })], 0],
  [
    'a self-signature with something critical and unknown',
    [key.certificate({ hashed: [subpacket(60, userId, true)] })],
    0,
  ],
  [
    'a self-signature that is not for export',
    [key.certificate({ hashed: [subpacket(4, Uint8Array.of(0))] })],
    0,
  ],
  [
    'a self-signature of version 3',
    [
      Buffer.concat([
        primary,
        packet(13, userId),
        key.signature3(Buffer.concat([key.hashInput, userId]), { type: 0x10 }),
      ]),
    ],
    1,
  ],
  ['a key cut short', [whole.subarray(0, -1)], 0],
  ['garbage after the key', [Buffer.concat([whole, userId])], 0],
  [
    'garbage after two keys, which spoils the second',
    [Buffer.concat([other.certificate(), whole, userId])],
    1,
  ],
] as const;

for (const [name, content, expected] of files) {
  t.test(`key files with ${name} hold ${expected} keys`, async (t) => {
    const keyring = await loadKeys(content);
    t.equal(importedKeys(keyring, NOW).length, expected);
  });
}

t.test('a key from the future does not count yet', async (t) => {
  const keyring = await loadKeys([whole]);
  t.same(importedKeys(keyring, key.created - 1), []);
  t.same(importedKeys(keyring, key.created), [fingerprint]);
});

t.test(
  'armored files count with every block, a binary one that goes on in armor not at all',
  async (t) => {
    t.equal(importedKeys(await keyringOf('two-armored.asc'), NOW).length, 2);
    t.equal(importedKeys(await keyringOf('binary-then-armored.mixed'), NOW).length, 0);
    const rsa = importedKeys(await keyringOf('rsa.asc'), NOW);
    t.same(rsa, importedKeys(await keyringOf('rsa.pgp'), NOW));
  },
);

t.test(
  'a key cut short or changed anywhere never throws anything but is not that key',
  async (t) => {
    const file = fixture('keys/subkey.pgp');
    const [intact] = importedKeys(await loadKeys([file]), NOW);
    for (let length = 1; length < file.length; length += 7) {
      await loadKeys([file.subarray(0, length)]);
    }
    for (let bit = 3 * 8; bit < 280 * 8; bit += 13) {
      const changed = Buffer.from(file);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      t.notOk(importedKeys(await loadKeys([changed]), NOW).includes(intact ?? ''), `bit ${bit}`);
    }
  },
);

t.test('the same files are read once', async (t) => {
  const first = loadKeys([fixture('keys/ed25519.pgp')]);
  t.equal(loadKeys([fixture('keys/ed25519.pgp')]), first);
  t.not(loadKeys([fixture('keys/ed25519.pgp'), Buffer.alloc(0)]), first);
  t.not(loadKeys([Buffer.concat([fixture('keys/ed25519.pgp'), Buffer.alloc(1)])]), first);
});

t.test('a subkey without its own consent signs nothing', async (t) => {
  const [certificate] = readCertificates([fixture('keys/subkey.pgp')]);
  t.equal(certificate?.subkeys.length, 1);
  const { keys } = await keyringOf('subkey.pgp');
  t.match(keys, [{ subkeys: [{ isCrossCertified: true, isRevoked: false }] }]);
  // A subkey binding by the primary alone: what someone else's subkey would get.
  const subkeyBody = other.body;
  const input = Buffer.concat([key.hashInput, other.hashInput]);
  const adopted = Buffer.concat([
    whole,
    packet(14, subkeyBody),
    key.signature(input, { type: 0x18, hashed: [subpacket(27, Uint8Array.of(2))] }),
  ]);
  t.match(await loadKeys([adopted]), { keys: [{ subkeys: [{ isCrossCertified: false }] }] });
});

t.test(
  'openpgp.js is loaded for a self-signature that does not verify without it, and not before',
  async (t) => {
    const script = `
    const { registerHooks } = await import('node:module');
    const seen = [];
    registerHooks({ resolve: (specifier, context, next) => { seen.push(specifier); return next(specifier, context); } });
    const { evaluateImage } = await import('./shared/trust/verdict.ts');
    const { parsePolicy } = await import('./shared/trust/policy.ts');
    const image = { transport: 'docker', policyReference: 'example.com/a:v1', dockerReference: 'example.com/a:v1',
      manifest: Buffer.from('{}'), signatures: [] };
    const key = (await import('node:fs')).readFileSync('test/fixtures/trust/keys/rsa.pgp');
    const damaged = Buffer.from(key);
    damaged[damaged.length - 1] ^= 1;
    const keys = { '/k': key, '/damaged': damaged };
    const context = { readFile: async (path) => keys[path], nowMs: Date.now() };
    const judge = (requirement, signatures) => evaluateImage({ ...image, signatures },
      parsePolicy(JSON.stringify({ default: [requirement] })), context);
    await judge({ type: 'insecureAcceptAnything' }, []);
    await judge({ type: 'reject' }, []);
    await judge({ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/k' }, []);
    await judge({ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/k' }, [Buffer.from([0x90, 0, 0])]);
    const before = seen.includes('openpgp');
    await judge({ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/damaged' }, [Buffer.from([0x90, 0, 0])]);
    console.log(JSON.stringify({ before, after: seen.includes('openpgp') }));
  `;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: new URL('../../../..', import.meta.url),
      encoding: 'utf8',
    });
    t.same(JSON.parse(output), { before: false, after: true });
  },
);
