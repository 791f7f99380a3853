import t from 'tap';
import { decodeUtf8 } from '../../../shared/trust/utf8.ts';

const BAD = '\ufffd';
const cases: readonly (readonly [string, readonly number[], string])[] = [
  ['nothing', [], ''],
  ['ASCII', [0x61, 0x00, 0x7f], 'a\0\x7f'],
  [
    'two, three and four bytes',
    [0xc3, 0xa4, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80],
    '\u00e4\u20ac\u{1f600}',
  ],
  ['a byte order mark', [0xef, 0xbb, 0xbf, 0x61], '\ufeffa'],
  ['a byte that begins nothing', [0x61, 0xff, 0x62], `a${BAD}b`],
  ['a sequence cut short', [0xe2, 0x82], BAD + BAD],
  ['a sequence broken off by another', [0xf0, 0x9f, 0x61], `${BAD}${BAD}a`],
  ['a longer form than needed', [0xc0, 0x80], BAD + BAD],
  ['half of a surrogate pair', [0xed, 0xa0, 0x80], BAD.repeat(3)],
  ['beyond Unicode', [0xf4, 0x90, 0x80, 0x80], BAD.repeat(4)],
  ['bad bytes and sound ones by turns', [0xff, 0xc3, 0xa4, 0xff], `${BAD}\u00e4${BAD}`],
];

for (const [name, bytes, expected] of cases) {
  t.test(`text of ${name} is read as Go reads it`, async (t) => {
    t.equal(decodeUtf8(Uint8Array.from(bytes)), expected);
  });
}

t.test('a megabyte of damage takes no time', async (t) => {
  const bytes = new Uint8Array(1_000_000).map((_, index) => (index % 2 === 0 ? 0xff : 0x5b));
  const before = process.cpuUsage();
  t.equal(decodeUtf8(bytes).length, bytes.length);
  t.ok(process.cpuUsage(before).user < 200_000, 'less than 0.2 seconds');
});
