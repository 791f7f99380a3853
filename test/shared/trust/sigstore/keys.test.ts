import t from 'tap';
import { readPublicKey } from '../../../../shared/trust/sigstore/keys.ts';
import { ecKey, ed25519Key, pem, rsaKey } from '../../../support/certificates.ts';
import { bitString, element, integer, objectIdentifier, sequence } from '../../../support/der.ts';

const key = ecKey();
const other = ecKey();
const rsa = rsaKey(1024);
const spki = key.publicKey.export({ format: 'der', type: 'spki' });
const rsaSpki = rsa.publicKey.export({ format: 'der', type: 'spki' });
const pkcs1 = rsa.publicKey.export({ format: 'der', type: 'pkcs1' });
const RSA = objectIdentifier('1.2.840.113549.1.1.1');
const ED25519 = objectIdentifier('1.3.101.112');

const accepted: readonly (readonly [string, string, Uint8Array])[] = [
  ['alone', key.pem, spki],
  ['before another', key.pem + other.pem, spki],
  ['after text', `hello\n${key.pem}`, spki],
  ['with carriage returns', key.pem.replaceAll('\n', '\r\n'), spki],
  ['as RSA PUBLIC KEY', pem(pkcs1, 'RSA PUBLIC KEY'), rsaSpki],
];

for (const [name, text, expected] of accepted) {
  t.test(`a key ${name} is read`, async (t) => {
    t.ok(Buffer.from(readPublicKey(Buffer.from(text), 'key').spki).equals(expected));
  });
}

const number = (value: bigint): Buffer =>
  element(2, Buffer.from(`00${value.toString(16).padStart(18, '0')}`, 'hex').subarray(1));
const refused: readonly (readonly [string, string | Uint8Array])[] = [
  ['empty', ''],
  ['DER', spki],
  ['with another label', pem(spki, 'EC PUBLIC KEY')],
  ['a private key', ecKey().privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()],
  ['cut short', pem(spki.subarray(0, -1), 'PUBLIC KEY')],
  ['with more behind it', pem(Buffer.concat([spki, Buffer.of(0)]), 'PUBLIC KEY')],
  ['PKCS #1 under the wrong label', pem(pkcs1, 'PUBLIC KEY')],
  ['RSA without NULL', pem(sequence(sequence(RSA), bitString(pkcs1)), 'PUBLIC KEY')],
  [
    'RSA with a negative exponent',
    pem(sequence(integer(15), element(2, [0x80])), 'RSA PUBLIC KEY'),
  ],
  [
    'RSA with an exponent of 33 bits',
    pem(sequence(number(2n ** 70n), number(2n ** 33n)), 'RSA PUBLIC KEY'),
  ],
  [
    'Ed25519 with parameters',
    pem(sequence(sequence(ED25519, element(5)), bitString(Buffer.alloc(32))), 'PUBLIC KEY'),
  ],
  [
    'Ed25519 of 31 bytes',
    pem(sequence(sequence(ED25519), bitString(Buffer.alloc(31))), 'PUBLIC KEY'),
  ],
  [
    'X25519',
    pem(
      sequence(sequence(objectIdentifier('1.3.101.110')), bitString(Buffer.alloc(32))),
      'PUBLIC KEY',
    ),
  ],
  [
    'RSA-PSS',
    pem(
      sequence(sequence(objectIdentifier('1.2.840.113549.1.1.10')), bitString(pkcs1)),
      'PUBLIC KEY',
    ),
  ],
];

for (const [name, content] of refused) {
  t.test(`a key that is ${name} is refused`, async (t) => {
    t.throws(() => readPublicKey(Buffer.from(content), 'key'), {
      code: 'key-invalid',
      message: /^key: /,
    });
  });
}

t.test('Ed25519 keys are read', async (t) => {
  t.equal(readPublicKey(Buffer.from(ed25519Key().pem), 'key').algorithm, 'ed25519');
});
