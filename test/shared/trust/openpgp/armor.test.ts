import t from 'tap';
import { armoredBlocks, isArmored, readCleartext } from '../../../../shared/trust/openpgp/armor.ts';
import { fixture } from '../../../support/trust-fixtures.ts';

const invalid = { code: 'openpgp-invalid' };
const key = fixture('keys/rsa.asc').toString();
const binary = fixture('keys/rsa.pgp');
const lines = key.split('\n');
const checksum = lines.find((line) => line.startsWith('=')) ?? '';

function decoded(text: string): readonly Uint8Array[] {
  return [...armoredBlocks(Buffer.from(text, 'latin1'), () => true)].map(({ bytes }) => bytes);
}

const bearable = [
  ['as gpg writes it', key],
  ['with carriage returns', key.replaceAll('\n', '\r\n')],
  ['with blanks at the end of lines', key.replaceAll('\n', '  \n')],
  ['with a comment', key.replace('-----\n\n', '-----\nComment: a\n\n')],
  ['with an empty comment', key.replace('-----\n\n', '-----\nComment:\n\n')],
  ['without the blank line', key.replace('-----\n\n', '-----\n')],
  ['behind other text', `Here it is:\n\n${key}`],
  ['before other text', `${key}\nThat was it\n`],
  ['without a checksum', key.replace(`${checksum}\n`, '')],
  ['with characters that are no base64', key.replace('-----\n\n', '-----\n\n!*')],
  ['on one line', lines.map((line) => (/^[\w+/=]{64}$/.test(line) ? line : `${line}\n`)).join('')],
] as const;

for (const [name, text] of bearable) {
  t.test(`a key ${name} is decoded`, async (t) => {
    const [bytes, ...rest] = decoded(text);
    t.same(rest, []);
    t.equal(Buffer.compare(bytes ?? Buffer.alloc(0), binary), 0);
  });
}

const damaged = [
  ['with another checksum', key.replace(checksum, '=AAAA')],
  ['with half a checksum', key.replace(checksum, '=AA')],
  ['without an end', key.slice(0, 500)],
  ['that is a header alone', '-----BEGIN PGP PUBLIC KEY BLOCK-----\n'],
  ['whose headers do not end', '-----BEGIN PGP PUBLIC KEY BLOCK-----\nComment: a\n'],
] as const;

for (const [name, text] of damaged) {
  t.test(`a key ${name} is refused`, async (t) => {
    t.throws(() => decoded(text), invalid);
  });
}

t.test('blocks before a damaged one have been given out', async (t) => {
  const given: Uint8Array[] = [];
  t.throws(() => {
    const text = Buffer.from(`${key}${key.replace(checksum, '=AAAA')}`);
    for (const { bytes } of armoredBlocks(text, () => true)) given.push(bytes);
  }, invalid);
  t.equal(given.length, 1);
});

t.test(
  'labels that OpenPGP does not know, and lines that only look like one, hold nothing',
  async (t) => {
    for (const label of ['PGP FOO', 'CERTIFICATE', 'PGP PUBLIC KEY BLOCK----', 'pgp message']) {
      t.same(decoded(key.replaceAll('PGP PUBLIC KEY BLOCK', label)), [], label);
    }
    t.same(decoded(` ${key}`), [], 'indented');
    t.same(decoded(''), []);
    t.same([...armoredBlocks(Buffer.from(key), () => false)], [], 'not wanted');
  },
);

t.test('what does not begin like a packet is looked through for armor, as by GnuPG', async (t) => {
  const cases = [
    ['2d2d', true],
    ['0a0a', true],
    ['', false],
    ['2d', false],
    ['9901', false],
    ['c605', false],
    ['9b01', true],
    ['c6e1', true],
    ['cbe1', false],
    ['a300', false],
    ['fc00', true],
    ['c000', true],
    ['ff00', false],
  ] as const;
  for (const [hex, expected] of cases) t.equal(isArmored(Buffer.from(hex, 'hex')), expected, hex);
});

const cleartext = fixture('signatures/rsa-cleartext.asc').toString();
const hash = /^Hash: .*\n/m.exec(cleartext)?.[0] ?? '';

t.test('a cleartext is given out as it stands and judged in its canonical form', async (t) => {
  const text = cleartext.replace(/\n\{.*\}\n/, '\n- -----dashes  \nan indented\t \n  line\n\n');
  const message = readCleartext(Buffer.from(text));
  t.equal(Buffer.from(message?.content ?? []).toString(), '-----dashes\nan indented\n  line\n\n');
  t.equal(
    Buffer.from(message?.signed ?? []).toString(),
    '-----dashes\r\nan indented\r\n  line\r\n',
  );
  t.same(readCleartext(Buffer.from('no armor at all')), undefined);
  t.same(readCleartext(Buffer.from(key)), undefined, 'other armor first');
});

t.test('the hash of a cleartext is the one it names, SHA-1 by default', async (t) => {
  const hashes = (header: string) =>
    readCleartext(Buffer.from(cleartext.replace(hash, header)))?.hashAlgorithms;
  t.same(hashes('Hash: SHA512\n'), [10]);
  t.same(hashes('Hash: SHA256, SHA384\nHash: SHA224\n'), [8, 9, 11]);
  t.same(hashes(''), [2]);
  t.throws(() => hashes('Hash: SHA3-256\n'), invalid, 'an unknown hash');
  t.throws(() => hashes('Comment: a\n'), invalid, 'another header');
});

const badCleartexts = [
  ['without a signature', cleartext.slice(0, cleartext.indexOf('-----BEGIN PGP SIGNATURE'))],
  ['with a second message', `${cleartext}${cleartext}`],
  ['with armor after it', `${cleartext}${key}`],
  ['that ends in its headers', '-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n'],
] as const;

for (const [name, text] of badCleartexts) {
  t.test(`a cleartext ${name} is refused`, async (t) => {
    t.throws(() => readCleartext(Buffer.from(text)), invalid);
  });
}
