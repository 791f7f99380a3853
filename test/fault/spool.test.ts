import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { Spool } from '../../agent/spool.ts';
import { systemClock } from '../../shared/clock.ts';
import { SmallDisk } from '../support/small-disk.ts';

t.setTimeout(120_000);
const spoolFile = fileURLToPath(new URL('../../agent/spool.ts', import.meta.url));
const clockFile = fileURLToPath(new URL('../../shared/clock.ts', import.meta.url));

/** Appends without end, in small segments, and says each number when it is kept. */
const appender = `
import { Spool } from ${JSON.stringify(spoolFile)};
import { systemClock } from ${JSON.stringify(clockFile)};
const spool = await Spool.open({
  folder: process.argv[1],
  clock: systemClock,
  limits: { segmentBytes: 2000, totalBytes: 30000 },
});
for (let n = 0; ; n++) {
  const kept = Array.from({ length: 1 + (n % 5) }, (_, i) =>
    spool.append({ kind: 'test', class: ['low', 'medium', 'high'][(n + i) % 3], data: { n } }));
  process.stdout.write((await Promise.all(kept)).join('\\n') + '\\n');
}
`;

function start(folder: string): ChildProcess {
  return spawn(process.execPath, ['--input-type=module', '-e', appender, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

interface Held {
  readonly epoch: string;
  /** Last number held or counted. */
  readonly last: number;
  readonly lost: number;
  readonly events: number;
}

/** Reads everything; throws when a number is missing or comes twice. */
async function readAll(folder: string): Promise<Held> {
  await using spool = await Spool.open({ folder, clock: systemClock });
  let next = 1;
  let lost = 0;
  let events = 0;
  for (;;) {
    const items = await spool.read(next, { records: 500, bytes: 1_000_000 });
    if (items.length === 0) break;
    for (const item of items) {
      if (item.sequence !== next) throw new Error(`${item.sequence} read, expected ${next}`);
      next = (item.throughSequence ?? item.sequence) + 1;
      if (item.kind === 'lost') lost += item.count ?? Number.NaN;
      else events++;
    }
  }
  return { epoch: spool.state.epoch, last: next - 1, lost, events };
}

t.test('I2 an event in the spool is delivered or counted: the agent killed', async (t) => {
  const folder = t.testdir({});
  let epoch: string | undefined;
  for (let round = 0; round < 15; round++) {
    const child = start(folder);
    const target = randomInt(1, 400);
    let kept = 0;
    let count = 0;
    if (child.stdout === null) throw new Error('no output');
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      kept = Math.max(kept, Number(line));
      if (++count === target) child.kill('SIGKILL');
    });
    await Promise.all([once(child, 'exit'), once(lines, 'close')]);
    const held = await readAll(folder);
    t.ok(held.last >= kept, `round ${round}: ${kept} were kept, ${held.last} are held or counted`);
    t.equal(held.events + held.lost, held.last, 'each number is one event, delivered or lost');
    t.equal(held.epoch, epoch ?? held.epoch, 'the same life');
    epoch = held.epoch;
  }
});

const disk = SmallDisk.mount();

t.test(
  'I10 a full disk ends neither the spool nor its count',
  { skip: disk === undefined ? 'needs the right to mount a tmpfs' : false },
  async (t) => {
    if (disk === undefined) return;
    const folder = join(disk.folder, 'spool');
    t.teardown(() => disk[Symbol.dispose]());
    const append = async (spool: Spool, count: number): Promise<void> => {
      for (let n = 0; n < count; n++) {
        await spool.append({ kind: 'test', class: n % 3 === 0 ? 'high' : 'low', data: { n } });
      }
    };
    {
      await using spool = await Spool.open({ folder, clock: systemClock });
      await append(spool, 50);
      disk.fill();
      const { epoch } = spool.state;
      await t.rejects(spool.renew(), { code: 'ENOSPC' }, 'no new life on a full disk');
      t.equal(spool.state.epoch, epoch, 'the old one stays');
      t.equal((await readAll(folder)).events, 50, 'with all it held');
      await append(spool, 3000);
      t.match(spool.state.degraded, /ENOSPC/, 'it is a condition');
      const newest = await spool.read(spool.state.next - 10, { records: 100, bytes: 1_000_000 });
      t.equal(newest[0]?.sequence, spool.state.next - 10);
      const last = newest.at(-1);
      t.match(last, { kind: 'test', sequence: spool.state.next - 1 }, 'the newest can be sent');
    }
    {
      await using spool = await Spool.open({ folder, clock: systemClock });
      t.equal(spool.state.next, 3051, 'after a restart on the full disk no number is given twice');
      await append(spool, 10);
      disk.free();
      await append(spool, 1);
      t.equal(spool.state.degraded, undefined, 'it ends when there is room');
    }
    const held = await readAll(folder);
    t.equal(held.last, 3061);
    t.equal(held.events + held.lost, 3061, 'every event was delivered or counted');
    t.ok(held.events > 50);
  },
);
