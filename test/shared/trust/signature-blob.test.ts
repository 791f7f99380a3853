import t from 'tap';
import { readSignatureBlob } from '../../../shared/trust/signature-blob.ts';
import { SignatureError } from '../../../shared/trust/signature-error.ts';

const OPENPGP = [
  ...[0xa0, 0xa1, 0xa2, 0xa3, 0xc8, 0x90, 0x91, 0x92, 0xc4, 0x88, 0x89, 0x8a, 0x8b, 0xc2, 0x3d],
];

t.test('of all first bytes only those of containers/image are taken for OpenPGP', async (t) => {
  for (let first = 1; first < 256; first++) {
    const blob = Uint8Array.of(first, 1, 2);
    if (OPENPGP.includes(first)) {
      t.same(readSignatureBlob(blob), { format: 'simple-signing', data: blob }, `${first}`);
    } else {
      t.throws(() => readSignatureBlob(blob), { code: 'blob-format' }, `${first}`);
    }
  }
});

t.test('an explicit format name decides, whatever follows it', async (t) => {
  t.same(readSignatureBlob(Buffer.from('\0simple-signing\n\0x\n')), {
    format: 'simple-signing',
    data: Buffer.from('\0x\n'),
  });
  t.same(readSignatureBlob(Buffer.from('\0simple-signing\n')), {
    format: 'simple-signing',
    data: Buffer.alloc(0),
  });
  t.same(readSignatureBlob(Buffer.from('\0sigstore-json\n{}')), {
    format: 'sigstore-json',
    json: Buffer.from('{}'),
  });
});

const bad = [
  ['is empty', ''],
  ['is NUL alone', '\0'],
  ['has no line feed', '\0simple-signing'],
  ['has an empty name', '\n'],
  ['has an empty name after NUL', '\0\nx'],
  ['has a name in other case', '\0Simple-signing\nx'],
  ['has a name with a blank', '\0simple-signing \nx'],
  ['has a name with a carriage return', '\0simple-signing\r\nx'],
  ['has a name outside of ASCII', '\0simple-signingé\nx'],
  ['has a name of a megabyte', `\0${'x'.repeat(1 << 20)}\nx`],
  ['is ASCII armor', '-----BEGIN PGP MESSAGE-----'],
] as const;

for (const [name, text] of bad) {
  t.test(`a signature that ${name} is an error of the blob`, async (t) => {
    try {
      readSignatureBlob(Buffer.from(text));
      t.fail('accepted');
    } catch (error) {
      t.ok(error instanceof SignatureError);
      t.match(error, { code: 'blob-format' });
      t.ok(String(error).length < 200, 'the message does not repeat the file');
    }
  });
}
