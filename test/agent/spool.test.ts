// One piece: every way that a spool on disk can be damaged, against the one promise that losses are counted.
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { crc32c } from '../../agent/spool/crc32c.ts';
import type { SpoolLimits } from '../../agent/spool/retention.ts';
import { rewriteSegment, segmentPath } from '../../agent/spool/segment.ts';
import { type EventDraft, Spool } from '../../agent/spool.ts';
import type { Clock } from '../../shared/clock.ts';
import type { EventItem } from '../../shared/protocol.ts';

const START_MS = Date.UTC(2026, 10, 21);

class TestClock implements Clock {
  ms = START_MS;
  nowMs(): number {
    return this.ms;
  }
  monotonicMs(): number {
    return this.ms - START_MS;
  }
}

function event(name: string, eventClass: EventDraft['class'] = 'medium', size = 0): EventDraft {
  return { kind: 'test', class: eventClass, data: { path: name, fill: 'x'.repeat(size) } };
}

async function open(
  folder: string,
  limits: Partial<SpoolLimits> = {},
  clock: Clock = new TestClock(),
): Promise<Spool> {
  return await Spool.open({ folder, limits, clock });
}

interface Drained {
  readonly items: readonly EventItem[];
  readonly names: readonly string[];
  readonly lost: number;
}

/** Reads everything from a number on in small steps; throws when a number is missing or comes twice. */
async function drain(spool: Spool, from = 1, records = 7): Promise<Drained> {
  const items: EventItem[] = [];
  for (let next = from; ; ) {
    const read = await spool.read(next, { records, bytes: 4096 });
    if (read.length === 0) break;
    for (const item of read) {
      if (item.sequence !== next) throw new Error(`${item.sequence} read, expected ${next}`);
      next = (item.throughSequence ?? item.sequence) + 1;
      items.push(item);
    }
  }
  const lost = items.filter(({ kind }) => kind === 'lost');
  return {
    items,
    names: items.flatMap(({ kind, data }) => (kind === 'test' ? [String(data['path'])] : [])),
    lost: lost.reduce((sum, { count }) => sum + (count ?? Number.NaN), 0),
  };
}

function lifeFolder(folder: string): string {
  return join(folder, readdirSync(folder).sort().at(-1) ?? '');
}

function segmentsOf(folder: string): string[] {
  const life = lifeFolder(folder);
  return readdirSync(life)
    .filter((name) => name.endsWith('.seg'))
    .sort()
    .map((name) => join(life, name));
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, n) => `${n + 1}`);

async function fill(
  folder: string,
  count: number,
  limits: Partial<SpoolLimits> = {},
): Promise<void> {
  await using spool = await open(folder, limits);
  for (const name of numbers(count)) await spool.append(event(name));
}

t.test('the checksum is CRC32C', async (t) => {
  t.equal(crc32c(Buffer.from('123456789')), 0xe3069283, 'RFC 3720, appendix B.4: check value');
  t.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa, '32 bytes of zero');
  t.equal(crc32c(Buffer.from('56789'), crc32c(Buffer.from('1234'))), 0xe3069283, 'in two steps');
});

t.test('what was appended is read in order, and again after a restart', async (t) => {
  const folder = t.testdir({});
  {
    await using spool = await open(folder, { segmentBytes: 500 });
    t.same(
      await Promise.all(numbers(100).map((name) => spool.append(event(name)))),
      numbers(100).map(Number),
    );
    t.same((await drain(spool)).names, numbers(100));
    t.match(spool.state, { first: 1, next: 101, acknowledged: 0, lost: 0, degraded: undefined });
  }
  await using spool = await open(folder, { segmentBytes: 500 });
  const { items, names, lost } = await drain(spool);
  t.same(names, numbers(100));
  t.equal(lost, 0);
  t.match(items[0], {
    sequence: 1,
    at: '2026-11-21T00:00:00.000Z',
    class: 'medium',
    monotonicMs: 0,
  });
  t.equal(await spool.append(event('101')), 101, 'numbers go on');
  t.same((await drain(spool, 100)).names, ['100', '101'], 'from the middle');
  t.same((await drain(spool, 102)).names, [], 'from the end');
});

t.test('an event that is too long for a record says so, and is no damage', async (t) => {
  const folder = t.testdir({});
  const longest = 'x'.repeat(130_000);
  {
    await using spool = await open(folder);
    await spool.append({ kind: 'long', class: 'high', data: { text: longest } });
    await spool.append({ kind: 'longer', class: 'high', data: { text: `${longest}${longest}` } });
  }
  await using spool = await open(folder);
  t.match(await spool.read(1, { records: 9, bytes: 1e6 }), [
    { sequence: 1, kind: 'long', data: { text: longest } },
    { sequence: 2, kind: 'longer', data: { omittedBytes: Number } },
  ]);
  t.equal(spool.state.lost, 0);
});

t.test('a spool that was closed at once continues its last segment', async (t) => {
  const folder = t.testdir({});
  for (let run = 0; run < 5; run++) await fill(folder, 1);
  t.equal(segmentsOf(folder).length, 1);
});

t.test('a listener hears of what can be read', async (t) => {
  await using spool = await open(t.testdir({}));
  const { promise: heard, resolve } = Promise.withResolvers<void>();
  const end = spool.onReadable(resolve);
  const appended = spool.append(event('1'));
  await heard;
  t.same((await drain(spool)).names, ['1']);
  await appended;
  end();
});

t.test('I2 the last record torn off at any byte is counted', async (t) => {
  const folder = t.testdir({ whole: {}, torn: {} });
  const [whole, torn] = [join(folder, 'whole'), join(folder, 'torn')];
  await fill(whole, 3);
  const [before] = segmentsOf(whole);
  const start = readFileSync(before ?? '').length;
  await fill(whole, 1);
  const end = readFileSync(before ?? '').length;
  t.ok(end > start);
  for (let size = start; size < end; size++) {
    for (const hasHead of [true, false]) {
      rmSync(torn, { recursive: true });
      cpSync(whole, torn, { recursive: true });
      truncateSync(segmentsOf(torn)[0] ?? '', size);
      if (!hasHead) rmSync(join(lifeFolder(torn), 'head'));
      await using spool = await open(torn);
      await spool.append(event('after'));
      const { names, lost } = await drain(spool);
      // Without its head the spool cannot know that the record was once whole: it is as if never written.
      const generated = hasHead ? 5 : 4;
      if (names.length + lost !== generated || names.at(-1) !== 'after' || names[2] !== '3') {
        t.fail(`${size} of ${start}..${end}, head ${hasHead}: ${names} and ${lost} lost`);
      }
      if (spool.state.next !== generated + 1) t.fail(`${size}: next is ${spool.state.next}`);
    }
  }
  t.pass(`${end - start} places`);
});

t.test(
  'I2 a bit flipped anywhere in a middle record loses that record alone, and says so',
  async (t) => {
    const folder = t.testdir({ spool: {} });
    const spoolFolder = join(folder, 'spool');
    await fill(spoolFolder, 1);
    const [segment = ''] = segmentsOf(spoolFolder);
    const start = readFileSync(segment).length;
    await fill(spoolFolder, 1);
    const end = readFileSync(segment).length;
    await fill(spoolFolder, 2);
    const good = readFileSync(segment);
    let flips = 0;
    for (let place = start; place < end; place++) {
      const bad = Buffer.from(good);
      bad.writeUInt8((good[place] ?? 0) ^ (1 << randomInt(8)), place);
      writeFileSync(segment, bad);
      await using spool = await open(spoolFolder);
      const { items, lost } = await drain(spool);
      const isAsExpected = lost === 1 && items.length === 4 && items[1]?.data['why'] === 'damaged';
      if (!isAsExpected) t.fail(`byte ${place}: ${JSON.stringify(items)}`);
      t.equal(spool.state.lost, 1);
      flips++;
    }
    t.equal(flips, end - start);
  },
);

t.test('I2 any part of a segment overwritten is counted', async (t) => {
  const folder = t.testdir({ spool: {} });
  const spoolFolder = join(folder, 'spool');
  await fill(spoolFolder, 40, { segmentBytes: 1000 });
  const kept = segmentsOf(spoolFolder).map((path) => [path, readFileSync(path)] as const);
  for (let round = 0; round < 60; round++) {
    const [path, good] = kept[randomInt(kept.length)] ?? ['', Buffer.alloc(0)];
    const from = randomInt(good.length);
    const bad = Buffer.from(good);
    bad.fill(randomInt(256), from, Math.min(good.length, from + randomInt(1, 400)));
    writeFileSync(path, bad);
    await using spool = await open(spoolFolder, { segmentBytes: 1000 });
    const { names, lost } = await drain(spool);
    if (names.length + lost !== 40) t.fail(`${path} from ${from}: ${names.length} and ${lost}`);
    writeFileSync(path, good);
  }
  t.pass('60 rounds');
});

for (const [name, which] of [
  ['first', 0],
  ['middle', 3],
  ['last', -1],
] as const) {
  t.test(`I2 a ${name} segment that was deleted is counted`, async (t) => {
    const folder = t.testdir({});
    await fill(folder, 40, { segmentBytes: 1000 });
    rmSync(segmentsOf(folder).at(which) ?? '');
    await using spool = await open(folder, { segmentBytes: 1000 });
    await spool.append(event('41'));
    const { names, lost, items } = await drain(spool);
    t.equal(names.length + lost, 41);
    t.ok(lost > 0);
    t.equal(names.at(-1), '41');
    t.match(
      items.find(({ kind }) => kind === 'lost'),
      { class: 'high', data: { why: 'damaged' } },
    );
  });
}

t.test('a damaged head gives out no number twice', async (t) => {
  const folder = t.testdir({});
  await fill(folder, 5);
  writeFileSync(join(lifeFolder(folder), 'head'), Buffer.alloc(32, 1));
  await using spool = await open(folder);
  t.equal(await spool.append(event('6')), 6);
  t.same((await drain(spool)).names, numbers(6));
});

t.test('walk-through 4: a spool whose folder was wiped begins a new life', async (t) => {
  const folder = t.testdir({});
  await fill(folder, 5);
  const { epoch } = await using1(folder);
  rmSync(lifeFolder(folder), { recursive: true });
  const after = await using1(folder);
  t.not(after.epoch, epoch);
  t.match(after, { first: 1, next: 1, acknowledged: 0 });
});

async function using1(folder: string): Promise<Spool['state']> {
  await using spool = await open(folder);
  return spool.state;
}

for (const [name, file] of [
  ['segment', '0000000000000001.seg'],
  ['head', 'head'],
] as const) {
  t.test(
    `walk-through 8: a ${name} of a later version is kept, and a new life begun`,
    async (t) => {
      const folder = t.testdir({});
      await fill(folder, 2);
      const old = lifeFolder(folder);
      const bytes = readFileSync(join(old, file));
      bytes.writeUInt8(2, 3);
      bytes.writeUInt32LE(crc32c(bytes.subarray(0, 4)), 4);
      writeFileSync(join(old, file), bytes);
      for (const expected of [1, 2]) {
        await using spool = await open(folder);
        t.equal(spool.leftBehind, expected === 1 ? old : undefined);
        t.equal(await spool.append(event('x')), expected, 'the new life is found again');
      }
      t.ok(readFileSync(join(old, file)).equals(bytes), 'untouched');
      t.ok(lifeFolder(folder) > old, 'later than the old');
    },
  );
}

/** A head with these numbers, and a sum that is right. */
function headOf(...numbers: readonly [next: bigint, acknowledged: bigint, lost: bigint]): Buffer {
  const bytes = Buffer.alloc(36);
  bytes.write('NSH\u0001', 'latin1');
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, 4)), 4);
  for (const [place, number] of numbers.entries()) bytes.writeBigUInt64LE(number, 8 + 8 * place);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, 32)), 32);
  return bytes;
}

for (const [name, head] of [
  ['a next number beyond all numbers', headOf(2n ** 63n, 0n, 0n)],
  ['a next number that nothing could follow', headOf(2n ** 53n - 1n, 0n, 0n)],
  ['more lost than can be counted', headOf(6n, 0n, 2n ** 64n - 1n)],
  ['more acknowledged than was given', headOf(6n, 2n ** 60n, 0n)],
] as const) {
  t.test(`a head that says ${name} is damage`, async (t) => {
    const folder = t.testdir({});
    await fill(folder, 5);
    writeFileSync(join(lifeFolder(folder), 'head'), head);
    await using spool = await open(folder);
    t.match(spool.state, { next: 6, acknowledged: 0, lost: 0 });
    t.equal(await spool.append(event('6')), 6);
    t.same((await drain(spool)).names, numbers(6));
  });
}

/** One record of this JSON with a sum that is right. */
function recordOf(item: object): Buffer {
  const payload = Buffer.from(`${JSON.stringify(item)}\n`);
  const header = Buffer.alloc(8);
  header.writeUInt32LE(payload.length, 0);
  header.writeUInt32LE(crc32c(payload, crc32c(header.subarray(0, 4))), 4);
  return Buffer.concat([header, payload]);
}

const MADE = { at: '2026-11-21T00:00:00Z', monotonicMs: 0, kind: 'lost', class: 'low', data: {} };
for (const [name, bytes] of [
  ['a length beyond the file', Buffer.from('ffffffff00000000', 'hex')],
  ['a length of nothing', Buffer.alloc(8)],
  ['a number that nothing could follow', recordOf({ ...MADE, sequence: 2 ** 53 - 1 })],
  ['a range without end', recordOf({ ...MADE, sequence: 6, throughSequence: 2 ** 53 - 1 })],
  ['a number below zero', recordOf({ ...MADE, sequence: -6 })],
  ['no event', recordOf([])],
  ['a time that is none', recordOf({ ...MADE, sequence: 6, at: 'never' })],
] as const) {
  t.test(`a record that was made with ${name} is damage`, async (t) => {
    const folder = t.testdir({});
    await fill(folder, 5);
    const [segment = ''] = segmentsOf(folder);
    writeFileSync(segment, Buffer.concat([readFileSync(segment), bytes]));
    await using spool = await open(folder);
    t.equal(await spool.append(event('6')), 6);
    t.same((await drain(spool)).names, numbers(6));
  });
}

t.test('segments that were swapped, or put in twice, are read once and in order', async (t) => {
  const swap = (a: string, b: string): void => {
    renameSync(a, `${a}.kept`);
    renameSync(b, a);
    renameSync(`${a}.kept`, b);
  };
  const beyond = (segment: string): string => join(segment, '..', '9999999999999999.seg');
  const crafts: readonly (readonly [string, (segments: readonly string[]) => void])[] = [
    ['swapped', ([, a = '', b = '']) => swap(a, b)],
    ['twice', ([, a = '', b = '']) => copyFileSync(a, b)],
    ['under a name beyond all numbers', ([, a = '']) => copyFileSync(a, beyond(a))],
  ];
  const base = t.testdir({});
  for (const [name, craft] of crafts) {
    const folder = join(base, name);
    await fill(folder, 40, { segmentBytes: 1000 });
    craft(segmentsOf(folder));
    await using spool = await open(folder, { segmentBytes: 1000 });
    t.equal(await spool.append(event('41')), 41, name);
    const { names, lost } = await drain(spool);
    t.equal(new Set(names).size, names.length, `${name}: nothing twice`);
    t.equal(names.length + lost, 41, `${name}: each is an event or counted`);
  }
});

t.test('what is no file of the spool is neither read nor written', async (t) => {
  const crafts: readonly (readonly [string, (at: string, outside: string) => void])[] = [
    ['a link', (at, outside) => symlinkSync(outside, at)],
    ['a link to a device', (at) => symlinkSync('/dev/zero', at)],
    ['a fifo', (at) => void execFileSync('mkfifo', [at])],
    ['a folder', (at) => void mkdirSync(at)],
    ['a file of 1 TB', (at) => truncateSync(at, 2 ** 40)],
  ];
  const outside = join(t.testdir({ outside: 'of another program\n' }), 'outside');
  for (const [index, [name, craft]] of crafts.entries()) {
    for (const file of ['head', '0000000000000001.seg']) {
      const folder = join(t.testdirName, `${index} ${file}`);
      await fill(folder, 3);
      const at = join(lifeFolder(folder), file);
      if (name.startsWith('a file')) truncateSync(at, 0);
      else rmSync(at);
      craft(at, outside);
      const code = /^(?:ERR_SPOOL_FILE|ELOOP|EISDIR)$/;
      await t.rejects(open(folder), { code, message: new RegExp(file) }, `${name} as ${file}`);
    }
  }
  t.equal(readFileSync(outside, 'utf8'), 'of another program\n');
});

t.test('a link in the place of what a segment is rewritten to is not followed', async (t) => {
  const folder = t.testdir({ outside: 'of another program\n' });
  const outside = join(folder, 'outside');
  symlinkSync(outside, `${segmentPath(folder, 8)}.tmp`);
  await t.rejects(rewriteSegment(segmentPath(folder, 8), 8, []), { code: 'ELOOP' });
  t.equal(readFileSync(outside, 'utf8'), 'of another program\n');
});

t.test('acknowledged events', async (t) => {
  const clock = new TestClock();
  const limits = { segmentBytes: 1000, keptBytes: 3000, keptMs: 1000 };
  const folder = t.testdir({});
  await using spool = await open(folder, limits, clock);
  for (const name of numbers(40)) await spool.append(event(name));
  const { epoch } = spool.state;
  const before = spool.state.bytes;

  await spool.acknowledge('another life', 40);
  t.equal(spool.state.acknowledged, 0, 'of another life change nothing');
  t.equal(await spool.oldestUnsentMs(), START_MS);

  await spool.acknowledge(epoch, 30);
  t.ok(spool.state.bytes < before, 'are released in whole segments');
  t.ok(spool.state.first > 1, 'from the oldest on');
  t.ok(spool.state.first <= 30, 'but some are kept');
  const again = await drain(spool);
  t.equal(
    again.names.length + again.lost,
    40,
    'what is released is counted when it is asked for again',
  );
  t.match(again.items[0], { kind: 'lost', class: 'low', data: { why: 'released' } });

  clock.ms += 2000;
  await spool.acknowledge(epoch, 20);
  t.equal(spool.state.acknowledged, 30, 'never become fewer');
  await spool.acknowledge(epoch, 1000);
  t.equal(spool.state.acknowledged, 40, 'never become more than there are');
  t.equal(await spool.oldestUnsentMs(), undefined);
  t.equal(segmentsOf(folder).length <= 4, true, 'are not kept when they are old');
});

t.test('what was acknowledged is known after a restart', async (t) => {
  const folder = t.testdir({});
  {
    await using spool = await open(folder);
    for (const name of numbers(3)) await spool.append(event(name));
    await spool.acknowledge(spool.state.epoch, 2);
  }
  t.match(await using1(folder), { acknowledged: 2, next: 4 });
});

t.test('over its cap a spool gives up least first', async (t) => {
  const limits = { segmentBytes: 4000, totalBytes: 20_000 };
  const classOf = (n: number): EventDraft['class'] =>
    n % 10 === 0 ? 'high' : n % 2 === 0 ? 'medium' : 'low';
  const run = async (
    dir: string,
    count: number,
  ): Promise<Drained & { bytes: number; lostCount: number }> => {
    await using spool = await open(dir, limits);
    for (let n = 1; n <= count; n++) await spool.append(event(`${n}`, classOf(n), 50));
    const drained = await drain(spool);
    return { ...drained, bytes: spool.state.bytes, lostCount: spool.state.lost };
  };
  const kept = (drained: Drained, name: string): number =>
    drained.items.filter((item) => item.kind === 'test' && item.class === name).length;

  t.test('low goes before medium, medium before high', async (t) => {
    const drained = await run(t.testdir({}), 400);
    t.equal(drained.names.length + drained.lost, 400);
    t.equal(drained.lostCount, drained.lost, 'the state counts the same');
    t.ok(drained.bytes <= 20_000, `${drained.bytes} bytes`);
    t.equal(kept(drained, 'high'), 40, 'every event of class high is there');
    t.ok(drained.items.some((item) => item.kind === 'lost' && item.data['why'] === 'cap'));
    t.match(
      drained.items.find(({ kind }) => kind === 'lost'),
      {
        data: { from: '2026-11-21T00:00:00.000Z', to: '2026-11-21T00:00:00.000Z' },
      },
    );
  });
  t.test('high goes when nothing else is left', async (t) => {
    const drained = await run(t.testdir({}), 1500);
    t.equal(drained.names.length + drained.lost, 1500);
    t.ok(drained.bytes <= 20_000, `${drained.bytes} bytes`);
    t.ok(kept(drained, 'high') < 150);
    t.ok(drained.names.includes('1500'), 'the newest are there');
  });
  t.test('repeats of one subject go first', async (t) => {
    await using spool = await open(t.testdir({}), limits);
    await spool.append(event('seldom', 'low', 50));
    for (let n = 0; n < 200; n++) await spool.append(event('often', 'high', 50));
    const drained = await drain(spool);
    t.equal(drained.names.length + drained.lost, 201);
    t.ok(drained.names.includes('seldom'), 'what came once stays, although its class is low');
  });
  t.test('what is over the cap after a restart too', async (t) => {
    const folder = t.testdir({});
    await fill(folder, 200, { segmentBytes: 4000 });
    await using spool = await open(folder, limits);
    t.ok(spool.state.bytes <= 20_000);
    const drained = await drain(spool);
    t.equal(drained.names.length + drained.lost, 200);
  });
});

t.test('what is too old is given up and counted', async (t) => {
  const folder = t.testdir({});
  const limits = { segmentBytes: 1000, maxAgeMs: 1000 };
  const clock = new TestClock();
  {
    await using spool = await open(folder, limits, clock);
    for (const name of numbers(20)) await spool.append(event(name));
    clock.ms += 10_000;
    await spool.append(event('new'));
  }
  await using spool = await open(folder, limits, clock);
  const { names, lost, items } = await drain(spool);
  t.equal(names.length + lost, 21);
  t.equal(names.at(-1), 'new');
  t.match(items[0], { kind: 'lost', data: { why: 'age' } });
});

t.test('a record of before the clock was set is not too old', async (t) => {
  const folder = t.testdir({});
  const clock = new TestClock();
  clock.ms = 0;
  {
    await using spool = await open(folder, {}, clock);
    await spool.append(event('at the beginning of time'));
  }
  await using spool = await open(folder);
  t.equal((await drain(spool)).lost, 0);
});

t.test('while the disk takes nothing', async (t) => {
  const place = t.testdir({ spool: {} });
  const folder = join(place, 'spool');
  const away = join(place, 'away');
  // Every group begins a segment, so moving the folder away fails every write.
  const limits = { segmentBytes: 1, ringRecords: 20 };
  let spool = await open(folder, limits);
  await spool.append(event('1'));
  const life = lifeFolder(folder);
  renameSync(life, away);
  for (const name of numbers(5).slice(1)) await spool.append(event(name));
  t.match(spool.state.degraded, /ENOENT/, 'the spool says so');
  t.equal(
    (await spool.read(2, { records: 9, bytes: 9999 })).length,
    4,
    'the newest can be sent from memory',
  );

  for (let n = 6; n <= 40; n++) await spool.append(event(`${n}`, n % 5 === 0 ? 'high' : 'low'));
  const held = (await spool.read(2, { records: 99, bytes: 99_999 })).filter(
    ({ kind }) => kind === 'test',
  );
  t.ok(held.length <= 20, `${held.length} held`);
  t.equal(held.filter((item) => item.class === 'high').length, 7, 'class high is the last to go');

  renameSync(away, life);
  await spool.append(event('41'));
  t.equal(spool.state.degraded, undefined, 'it ends when the disk is back');
  const { names, lost } = await drain(spool);
  t.equal(names.length + lost, 41);
  t.equal(spool.state.lost, lost);
  await spool[Symbol.asyncDispose]();

  spool = await open(folder, limits);
  const again = await drain(spool);
  t.same([again.names, again.lost], [names, lost], 'the same after a restart');
  await spool[Symbol.asyncDispose]();
});

t.test('a crash while the disk takes nothing reuses no number that was sent', async (t) => {
  const place = t.testdir({ spool: {} });
  const folder = join(place, 'spool');
  const away = join(place, 'away');
  const limits = { segmentBytes: 1 };
  const spool = await open(folder, limits);
  await spool.append(event('1'));
  const life = lifeFolder(folder);
  renameSync(life, away);
  for (const name of ['2', '3', '4']) await spool.append(event(name));
  t.equal((await spool.read(2, { records: 9, bytes: 9999 })).length, 3, 'three were sent');
  // As `kill -9`: nothing is closed, nothing more is written.
  mkdirSync(life);
  cpSync(away, life, { recursive: true });
  const after = await open(folder, limits);
  t.equal(await after.append(event('5')), 5);
  const { names, lost } = await drain(after);
  t.same(names, ['1', '5']);
  t.equal(lost, 3);
  await after[Symbol.asyncDispose]();
  await spool[Symbol.asyncDispose]().catch(() => {});
});

t.test(
  'a disk that is full',
  { skip: existsSync('/dev/full') ? false : 'needs /dev/full' },
  async (t) => {
    const folder = t.testdir({});
    await using spool = await open(folder, { segmentBytes: 1 });
    await spool.append(event('1'));
    symlinkSync('/dev/full', join(lifeFolder(folder), '0000000000000002.seg'));
    await spool.append(event('2'));
    t.match(spool.state.degraded, /ENOSPC/, 'is a condition');
    await spool.append(event('3'));
    t.equal(spool.state.degraded, undefined, 'is over when there is room');
    t.same((await drain(spool)).names, ['1', '2', '3'], 'loses nothing');
  },
);

t.test(
  'a spool set back to an earlier state begins a new life with what was not acknowledged',
  async (t) => {
    const folder = t.testdir({});
    await using spool = await open(folder);
    for (const name of numbers(5)) await spool.append(event(name));
    const { epoch } = spool.state;
    await spool.acknowledge(epoch, 2);
    await spool.renew();
    t.not(spool.state.epoch, epoch);
    t.match(spool.state, { first: 1, next: 4, acknowledged: 0 });
    t.same((await drain(spool)).names, ['3', '4', '5']);
    t.equal(await spool.append(event('6')), 4);
    t.equal(readdirSync(folder).length, 1, 'the old life is gone');
  },
);

t.test('a crash while a new life is made leaves the old one', async (t) => {
  const folder = t.testdir({});
  await fill(folder, 5);
  const life = lifeFolder(folder);
  mkdirSync(join(folder, '000002-00000000-0000-4000-8000-000000000000.new'));
  await using spool = await open(folder);
  t.same((await drain(spool)).names, numbers(5));
  t.equal(lifeFolder(folder), life);
  t.equal(readdirSync(folder).length, 1, 'what was not finished is removed');
});

t.test('a crash between rewriting and removing segments says nothing twice', async (t) => {
  const folder = t.testdir({});
  const limits = { segmentBytes: 1000 };
  await fill(folder, 40, limits);
  const [first = '', second = '', third = ''] = segmentsOf(folder);
  // As if the first was rewritten with all records of the second, and the second not yet removed.
  const both = Buffer.concat([readFileSync(first), readFileSync(second).subarray(8)]);
  writeFileSync(first, both);
  copyFileSync(third, `${third}.tmp`);
  await using spool = await open(folder, limits);
  t.same((await drain(spool)).names, numbers(40));
  t.notOk(existsSync(`${third}.tmp`), 'what was not finished is removed');
});

t.test('events of many appenders are all there', async (t) => {
  await using spool = await open(t.testdir({}), { segmentBytes: 10_000 });
  const sequences = await Promise.all(
    Array.from({ length: 1000 }, async (_, n) => await spool.append(event(`${n}`))),
  );
  t.equal(new Set(sequences).size, 1000);
  t.equal((await drain(spool, 1, 100)).names.length, 1000);
  t.ok(segmentsOf(t.testdirName).length > 0);
});
