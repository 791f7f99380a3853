import { deflateRawSync } from 'node:zlib';
import t from 'tap';
import { MAX_UNPACKED_BYTES, UnpackBudget } from '../../../../shared/trust/openpgp/compression.ts';
import { SignatureError } from '../../../../shared/trust/signature-error.ts';

const zip = (content: Uint8Array) => Buffer.concat([Uint8Array.of(1), deflateRawSync(content)]);
const unpacked = (body: Uint8Array) => new UnpackBudget().unpack(body).content.length;
const invalid = { code: 'openpgp-invalid', name: SignatureError.name };

t.test('a message may unpack to the limit and no further', async (t) => {
  t.equal(unpacked(zip(Buffer.alloc(MAX_UNPACKED_BYTES))), MAX_UNPACKED_BYTES);
  t.throws(() => unpacked(zip(Buffer.alloc(MAX_UNPACKED_BYTES + 1))), invalid);
});

t.test('the limit is of all levels together', async (t) => {
  const budget = new UnpackBudget();
  const third = zip(Buffer.alloc(MAX_UNPACKED_BYTES / 3));
  budget.unpack(third);
  budget.unpack(third);
  budget.unpack(third);
  t.throws(() => budget.unpack(third), invalid);
});

t.test('a bomb is stopped at the limit, in time and memory', async (t) => {
  const bomb = zip(Buffer.alloc(128 * 1024 * 1024));
  const before = process.memoryUsage();
  const started = performance.now();
  t.throws(() => unpacked(bomb), invalid);
  t.ok(performance.now() - started < 2000, 'time');
  const after = process.memoryUsage();
  t.ok(after.arrayBuffers - before.arrayBuffers < 4 * MAX_UNPACKED_BYTES, 'memory');
});

t.test('what follows the data is dropped up to a full read of GnuPG', async (t) => {
  const body = zip(Buffer.from('content'));
  const rest = (length: number) =>
    new UnpackBudget().unpack(Buffer.concat([body, Buffer.alloc(length)])).rest.length;
  const room = 2048 - (body.length - 1);
  t.equal(rest(0), 0);
  t.equal(rest(room), 0);
  t.equal(rest(room + 1), 1);
  t.equal(rest(room + 5000), 5000);
});

const bad = [
  ['nothing', Buffer.alloc(0)],
  ['a kind alone', Uint8Array.of(1)],
  ['an unknown kind', Uint8Array.of(9, 0, 0)],
  ['ZIP that is none', Uint8Array.of(1, 0xff, 0xff, 0xff)],
  ['ZIP cut short', zip(Buffer.from('some content')).subarray(0, 8)],
  ['ZLIB that is none', Uint8Array.of(2, 0xff, 0xff, 0xff)],
  ['BZIP2 that is none', Buffer.from('\x03BZh0')],
  ['BZIP2 without blocks', Buffer.from('\x03BZh9')],
  ['BZIP2 of another header', Buffer.from('\x03BZx9aaaaaaaaaaaaaaaa')],
] as const;

for (const [name, body] of bad) {
  t.test(`${name} is refused`, async (t) => {
    t.throws(() => unpacked(body), invalid);
  });
}

/** Packed by bzip2 1.0.8. */
const packed = [
  ['nothing', Buffer.alloc(0), 'QlpoORdyRThQkAAAAAA='],
  ['one byte', Buffer.from('a'), 'QlpoOTFBWSZTWRmTm2sAAAABACAAIAAhGEaC7kinChIDMnNtYA=='],
  [
    'words',
    Buffer.from('hello world '.repeat(1000)),
    'QlpoOTFBWSZTWb2bEtgACcORgEAABkSQgCAAcEMCBNVRmUeVIMqQZUgypB2pBtSDakHapB9Ug2pBlSD8XckU4UJC9mxLYA==',
  ],
  [
    'runs',
    Buffer.from(`${'aaaa'.repeat(3)}bbbbb${'c'.repeat(259)}${'d'.repeat(300)}`),
    'QlpoOTFBWSZTWfH3S6sAAAPRAOBAACA8AAAIIAAxBkxBX6jUeKNuYRE8W6QV0WfF3JFOFCQ8fdLqwA==',
  ],
  [
    'a million bytes in blocks of 900,000',
    Buffer.alloc(1_000_000, 7),
    'QlpoOTFBWSZTWUWRro4AB6jAQICAAAIACCAAMMwJqmmVJDapSQ8XckU4UJBFka6O',
  ],
  [
    'a million bytes in blocks of 100,000',
    Buffer.alloc(1_000_000, 7),
    'QlpoMTFBWSZTWUWRro4AB6jAQICAAAIACCAAMMwJqmmVJDapSQ8XckU4UJBFka6O',
  ],
  [
    'squares, with several tables',
    Uint8Array.from({ length: 5000 }, (_, index) => ((index * index) >> 3) & 63),
    'QlpoOTFBWSZTWSJd/GwAABN4AH//////////0ANeAAAAHMABMAATAAAAAA5gAJgACYAAAAAHMABMAATAAAAA' +
      'A5gAJgACYAAAAABSqlNPSnmJpqntE9KeaaKbBR6MptMJ6mTJMFGCjqwCayd5OwnSTpE1UaKM1GOjbox0YMlH' +
      'wJ+ieRPEnYTITVRyUY6M9GQnBRkJ/JN8mIm9Rvk1UYqMRPInXRwUctGmjKTdJoJ7k9yexPUnoTIT8k8ycFH3' +
      'o76O+j7Ud1HbRw0dRP4o+lHETKTYo7aNBNJPQmajVRnJzUZaMZMtG4TZo76PiTiJ7E2qMNGknjR/dH3o3ibZ' +
      'O4n7J7Ez0a6NdGMmSjXR1kxE/ZOejxo0E26MJPAnFRzUb9G+ThJhJvUctH0J7UYibFGomOj1o36MxMxPwTDR' +
      'tE6KMBMVGEmUTLRho8qN6jZoz0ZybpPAm8TnJ3k4ybhNyj+qOej2o9qNROonqT1JoJkJkJ30elHZRqJ3E/JO' +
      '6jUTbxEwUctHEThJ+ifGjho96OQnLR0k5CY6PnRsE+tHnRmozk+xPAm9R8idBMdHATco2if4TTRnoyUcxMJO' +
      'SjxJxE9ycVG5R2Ua6P3RpJ2k5CY6MhNZOmjFR6Uf6TgJoo2yYaPrRxk+ZO4niTTR50aaOgnXRskxUbBOajQT' +
      '4E3yZqOOj5UbpNqjqJgoxEz0f+LuSKcKEgRLv42A',
  ],
] as const;
const BOMB =
  'QlpoOTFBWSZTWQ4J4t8BX45AAMAAAAggADCATUZCoCWpCoCXMUFZJlNZvAS1wwCidcAAwAAACCAAIKQINjKKiE0qKiE4u5IpwoSFALuD6A==';
const bzip2 = (base64: string) => Buffer.concat([Uint8Array.of(3), Buffer.from(base64, 'base64')]);

for (const [name, content, base64] of packed) {
  t.test(`BZIP2 unpacks to ${name}, and no flipped bit to anything`, async (t) => {
    const body = bzip2(base64);
    t.equal(Buffer.compare(new UnpackBudget().unpack(body).content, content), 0);
    const bits = (body.length - 1) * 8;
    const step = Math.max(1, bits >> 4);
    for (let bit = 8; bit < bits; bit += step) {
      const flipped = Buffer.from(body);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      try {
        const given = new UnpackBudget().unpack(flipped).content;
        t.equal(Buffer.compare(given, content), 0, `bit ${bit} changes nothing`);
      } catch (error) {
        t.match(error, invalid);
      }
    }
    for (let length = 1; length < body.length; length++) {
      t.throws(() => unpacked(body.subarray(0, length)), invalid, `${length} bytes of it`);
    }
  });
}

t.test('a bomb of BZIP2 is stopped at the limit', async (t) => {
  const started = performance.now();
  t.throws(() => unpacked(bzip2(BOMB)), invalid);
  t.ok(performance.now() - started < 5000, 'in time');
});
