import { execFileSync } from 'node:child_process';
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
  const bomb = zip(Buffer.alloc(512 * 1024 * 1024));
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

t.test('BZIP2 unpacks to what the real program packed', async (t) => {
  let bzip2: (content: Uint8Array, level: string) => Buffer;
  try {
    execFileSync('bzip2', ['--help'], { stdio: 'ignore' });
    bzip2 = (input, level) => execFileSync('bzip2', [level], { input, maxBuffer: 2 ** 27 });
  } catch {
    t.pass('skipped: needs bzip2');
    return;
  }
  const mixed = Uint8Array.from({ length: 70_000 }, (_, index) => (index * index) >> 5);
  const contents = [
    Buffer.alloc(0),
    Buffer.from('a'),
    Buffer.from('hello world '.repeat(1000)),
    Buffer.from(`${'aaaa'.repeat(3)}bbbbb${'c'.repeat(259)}${'d'.repeat(300)}`),
    Buffer.alloc(1_000_000, 7),
    mixed,
  ];
  for (const content of contents) {
    for (const level of ['-1', '-9']) {
      const packed = Buffer.concat([Uint8Array.of(3), bzip2(content, level)]);
      const given = new UnpackBudget().unpack(packed).content;
      t.equal(Buffer.compare(given, content), 0, `${content.length} bytes at ${level}`);
      const damaged = Buffer.from(packed);
      damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 0x10;
      t.throws(() => unpacked(damaged), invalid, 'a flipped bit');
    }
  }
  const bomb = Buffer.concat([Uint8Array.of(3), bzip2(Buffer.alloc(2 ** 26), '-9')]);
  const started = performance.now();
  t.throws(() => unpacked(bomb), invalid, 'a bomb');
  t.ok(performance.now() - started < 5000, 'in time');
});
