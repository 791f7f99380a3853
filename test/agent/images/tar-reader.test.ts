import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type TarEntry, TarReader } from '../../../agent/images/tar-reader.ts';
import { tarOf } from '../../support/release-images.ts';

const WANTED = 'release-manifests/image-references';

interface Read {
  readonly entries: readonly TarEntry[];
  readonly content: string;
  readonly isEnded: boolean;
}

/** What the reader says of an archive that comes in pieces of this size. */
function read(archive: Buffer, pieceBytes: number, wanted = WANTED): Read {
  const entries: TarEntry[] = [];
  const pieces: Buffer[] = [];
  const reader = new TarReader({
    entry: (entry) => {
      entries.push(entry);
      return entry.name === wanted;
    },
    content: (bytes) => pieces.push(Buffer.from(bytes)),
  });
  for (let from = 0; from < archive.length; from += pieceBytes) {
    reader.update(archive.subarray(from, from + pieceBytes));
  }
  return { entries, content: Buffer.concat(pieces).toString(), isEnded: reader.isEnded };
}

const text = 'x'.repeat(1500);
const files = [
  { name: './release-manifests/', type: '5' },
  { name: './release-manifests/a', content: 'a' },
  { name: '/release-manifests/image-references', content: text },
  { name: 'release-manifests/link', type: '2', link: 'a' },
];

for (const pieceBytes of [1, 7, 511, 512, 513, 100_000]) {
  t.test(`an archive in pieces of ${pieceBytes} bytes`, async (t) => {
    t.same(read(tarOf(files), pieceBytes), {
      entries: [
        { name: 'release-manifests', kind: 'folder', size: 0 },
        { name: 'release-manifests/a', kind: 'file', size: 1 },
        { name: WANTED, kind: 'file', size: 1500 },
        { name: 'release-manifests/link', kind: 'other', size: 0 },
      ],
      content: text,
      isEnded: true,
    });
  });
}

for (const format of ['v7', 'ustar', 'gnu', 'pax', 'oldgnu']) {
  t.test(`an archive of the real tar in the format ${format}`, async (t) => {
    const dir = t.testdir({});
    const isShort = format === 'v7';
    // ustar holds what can be cut at a slash, GNU and pax anything.
    const long = isShort ? 'short' : join('d'.repeat(90), 'e'.repeat(90));
    const longer = format === 'ustar' || isShort ? 'b' : join(long, `ü${'f'.repeat(150)}`);
    for (const name of [long, longer]) {
      mkdirSync(join(dir, long), { recursive: true });
      writeFileSync(join(dir, name === long ? join(long, 'x') : longer), text);
    }
    const words = ['-C', dir, `--format=${format}`, '--sort=name', '-cf', '-', '.'];
    const archive = execFileSync('tar', words, { maxBuffer: 1 << 26 });
    const listed = execFileSync('tar', ['-tf', '-'], { input: archive, encoding: 'utf8' });
    const { entries, content, isEnded } = read(archive, 1000, longer);
    const real = execFileSync('tar', ['--quoting-style=literal', '-tf', '-'], { input: archive });
    const names = real.toString().trimEnd().split('\n');
    t.same(
      entries.map(({ name }) => name),
      names.map((name) => name.replace(/^\.\/?/, '').replace(/\/$/, '')),
      listed,
    );
    t.equal(content, text);
    t.ok(isEnded);
  });
}

const good = tarOf(files);
function changed(at: number, bytes: string): Buffer {
  const archive = Buffer.from(good);
  archive.write(bytes, at, 'latin1');
  return archive;
}
/** The same with a header whose sum is right. */
function summed(archive: Buffer): Buffer {
  archive.write('        ', 148);
  const sum = archive.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  archive.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return archive;
}
const pax = (records: string): Buffer =>
  tarOf([{ name: 'x', type: 'x', content: records }, ...files]);

const bad: readonly (readonly [string, Buffer, RegExp])[] = [
  ['with a wrong sum', changed(0, 'y'), /wrong checksum/],
  ['with a sum that is no number', changed(148, 'zzzzzz'), /not octal/],
  ['with a size that is no number', summed(changed(512 + 124, 'x')).subarray(512), /checksum/],
  ['of random bytes', Buffer.alloc(1024, 0xfe), /beyond all measure|checksum/],
  ['with an empty block in the middle', Buffer.concat([Buffer.alloc(512), good]), /empty block/],
  ['with attributes that are none', pax('path=x\n'), /attributes/],
  ['with attributes longer than they are', pax('99 path=x\n'), /attributes/],
  ['with attributes of no length', pax('0 path=x\n'), /attributes/],
  ['with attributes without a value', pax('8 path x\n'), /attributes/],
  ['with a file with holes', tarOf([{ name: 'x', type: 'S' }, ...files]), /with holes/],
  ['with a file with holes by attributes', pax('22 GNU.sparse.major=1\n'), /with holes/],
  ['with a size below zero', pax('13 size=-512\n'), /a size of "-512"/],
  ['with a size in words', pax('13 size=many\n'), /a size of "many"/],
  [
    'with endless attributes',
    tarOf([{ name: 'x', type: 'x', content: Buffer.alloc(2_000_000) }]),
    /attributes of 2000000 bytes/,
  ],
  [
    'with endless attributes that others before them call short',
    tarOf([
      { name: 'x', type: 'x', content: '10 size=1\n' },
      { name: 'x', type: 'x', content: Buffer.alloc(2_000_000) },
    ]),
    /attributes of 2000000 bytes/,
  ],
];

for (const [name, archive, message] of bad) {
  t.test(`an archive ${name} is refused`, async (t) => {
    t.throws(() => read(archive, 512), { code: 'ERR_LAYER_ARCHIVE', message });
  });
}

t.test('names that lead out of an archive, and links, are names and no content', async (t) => {
  const archive = tarOf([
    { name: '../../release-manifests/image-references', content: 'out' },
    { name: '/release-manifests/../release-manifests/image-references', content: 'about' },
    { name: WANTED, type: '1', link: '/etc/shadow' },
    { name: WANTED, type: '2', link: '/etc/shadow' },
    { name: WANTED, type: '3', content: 'device' },
    { name: `${WANTED}\0.txt`, type: '5' },
  ]);
  t.equal(read(archive.subarray(0, 3072), 512).content, '');
  t.same(
    read(archive.subarray(0, 3072), 512).entries.map(({ kind }) => kind),
    ['file', 'file', 'other', 'other'],
  );
});

t.test('an archive that ends in the middle of a file is not ended', async (t) => {
  const { content, isEnded } = read(good.subarray(0, 3000), 512);
  t.ok(content.length < 1500);
  t.notOk(isEnded);
  t.same(read(Buffer.alloc(0), 512), { entries: [], content: '', isEnded: false });
});

t.test('what follows the end of an archive is nothing', async (t) => {
  const more = tarOf([{ name: WANTED, content: 'more' }]);
  t.equal(read(Buffer.concat([good, more]), 512).content, text);
});

t.test('attributes for one entry are not those of the next', async (t) => {
  const [first, second] = read(pax('9 path=z\n'), 512).entries;
  t.match([first, second], [{ name: 'z' }, { name: 'release-manifests/a' }]);
});
