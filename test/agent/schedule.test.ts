import { EventEmitter, once } from 'node:events';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import t from 'tap';
import { Schedule, type ScheduleOptions } from '../../agent/schedule.ts';

/** A schedule whose runs wait until they are let go, and that can be waited for. */
class Rig implements AsyncDisposable {
  readonly runs: string[] = [];
  readonly schedule: Schedule;
  /** Runs end by themselves unless held. */
  isHeld = false;
  #release = Promise.withResolvers<void>();
  #wake = Promise.withResolvers<void>();
  #active = new Map<string, number>();
  overlaps = 0;

  constructor(options: Partial<ScheduleOptions> = {}) {
    this.schedule = new Schedule({
      ids: ['a', 'b'],
      intervalMs: 3_600_000,
      random: () => 0.5,
      debounceMs: 20,
      maxWaitMs: 100,
      pauseMs: 0,
      run: async (id) => {
        const active = (this.#active.get(id) ?? 0) + 1;
        this.#active.set(id, active);
        if (active > 1) this.overlaps++;
        this.runs.push(id);
        this.#wake.resolve();
        this.#wake = Promise.withResolvers();
        if (this.isHeld) await this.#release.promise;
        this.#active.set(id, active - 1);
      },
      ...options,
    });
  }

  release(): void {
    this.#release.resolve();
    this.#release = Promise.withResolvers();
  }

  async ran(count: number): Promise<void> {
    while (this.runs.length < count) await this.#wake.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isHeld = false;
    this.release();
    await this.schedule[Symbol.asyncDispose]();
  }
}

t.test('everything runs at the start, once', async (t) => {
  await using rig = new Rig();
  await rig.schedule.runAll();
  t.same(rig.runs, ['a', 'b']);
});

t.test('each runs again at the interval', async (t) => {
  await using rig = new Rig({ intervalMs: 5 });
  await rig.schedule.runAll();
  await rig.ran(8);
  t.ok(rig.runs.filter((id) => id === 'a').length >= 2);
  t.ok(rig.runs.filter((id) => id === 'b').length >= 2);
  t.equal(rig.overlaps, 0);
});

t.test('many changes in a row are one run, of what is concerned', async (t) => {
  await using rig = new Rig();
  for (let n = 0; n < 10; n++) rig.schedule.changed(['a', 'unknown']);
  await rig.ran(1);
  rig.schedule.changed(['b']);
  await rig.ran(2);
  t.same(rig.runs, ['a', 'b']);
});

t.test('changes without end do not put a run off for ever', async (t) => {
  await using rig = new Rig({ debounceMs: 50, maxWaitMs: 120 });
  const restless = setInterval(() => rig.schedule.changed(['a']), 5);
  await rig.ran(2);
  clearInterval(restless);
  t.pass('it ran, twice');
});

t.test('a change during a run is looked at after it, once', async (t) => {
  await using rig = new Rig({ debounceMs: 1 });
  rig.isHeld = true;
  const all = rig.schedule.runAll();
  await rig.ran(2);
  for (let n = 0; n < 5; n++) rig.schedule.changed(['a']);
  // The timer of `a` fires while its run is held: another schedule of 5 ms is proof that time went by.
  await using clock = new Rig({ ids: ['tick'], intervalMs: 5 });
  await clock.schedule.runAll();
  await clock.ran(4);
  t.same(rig.runs, ['a', 'b'], 'not beside it');
  rig.isHeld = false;
  rig.release();
  await rig.ran(3);
  await all;
  t.same(rig.runs, ['a', 'b', 'a']);
  t.equal(rig.overlaps, 0);
});

t.test('changes in a row are looked at together, with a pause after each look', async (t) => {
  await using rig = new Rig({ debounceMs: 1, pauseMs: 60 });
  const times: number[] = [];
  for (let run = 1; run <= 3; run++) {
    rig.schedule.changed(['a']);
    await rig.ran(run);
    times.push(performance.now());
  }
  const [first = 0, second = 0, third = 0] = times;
  t.ok(second - first >= 55, `${second - first} ms`);
  t.ok(third - second >= 55, `${third - second} ms`);
});

const TOOK_MS = 40;
const work = async (): Promise<void> => {
  for (const before = process.cpuUsage(); ; ) {
    const { user, system } = process.cpuUsage(before);
    if (user + system >= TOOK_MS * 1000) return;
  }
};
const looks: readonly (readonly [
  name: string,
  look: () => Promise<void>,
  rests: readonly boolean[],
])[] = [
  ['work rests when it is not the first after a quiet time', work, [false, true]],
  ['wait for others do not', async () => void (await delay(TOOK_MS)), [false, false]],
];

for (const [name, look, rests] of looks) {
  t.test(`looks that ${name}`, async (t) => {
    const done = new EventEmitter();
    await using schedule = new Schedule({
      ids: ['a'],
      intervalMs: 3_600_000,
      random: () => 0.5,
      debounceMs: 1,
      pauseMs: 0,
      run: async () => {
        done.emit('start');
        await look();
        done.emit('end');
      },
    });
    const first = once(done, 'end');
    schedule.changed(['a']);
    await first;
    for (const isRested of rests) {
      // What comes while a run lasts does not rest after it.
      await setImmediate();
      const [start, end] = [once(done, 'start'), once(done, 'end')];
      // Of two timers the one that is due first comes first, however late both are.
      const rested = delay(TOOK_MS * 4, 'rested', { ref: false });
      schedule.changed(['a']);
      t.equal(
        await Promise.race([start.then(() => 'at once'), rested]),
        isRested ? 'rested' : 'at once',
      );
      await end;
    }
  });
}

t.test('who asks for everything gets runs that began after the question', async (t) => {
  await using rig = new Rig();
  rig.isHeld = true;
  const first = rig.schedule.runAll();
  await rig.ran(2);
  const second = rig.schedule.runAll();
  const third = rig.schedule.runAll();
  rig.isHeld = false;
  rig.release();
  await Promise.all([first, second, third]);
  t.same([...rig.runs].sort(), ['a', 'a', 'b', 'b'], 'those who wait together share one');
});

t.test('a schedule that ended runs nothing more and keeps nobody waiting', async (t) => {
  const rig = new Rig({ intervalMs: 1 });
  await rig.schedule.runAll();
  rig.isHeld = true;
  const waiting = rig.schedule.runAll();
  const late = rig.schedule.runAll();
  const ended = rig[Symbol.asyncDispose]();
  await Promise.all([ended, waiting, late]);
  const count = rig.runs.length;
  rig.schedule.changed(['a']);
  await rig.schedule.runAll();
  t.equal(rig.runs.length, count);
});

t.test('a run is told that the agent stops', async (t) => {
  const { promise: told, resolve } = Promise.withResolvers<void>();
  const schedule = new Schedule({
    ids: ['a'],
    intervalMs: 1000,
    random: () => 0,
    run: (_id, signal) =>
      new Promise((ended) => {
        signal.addEventListener('abort', () => {
          resolve();
          ended();
        });
      }),
  });
  const running = schedule.runAll();
  await schedule[Symbol.asyncDispose]();
  await Promise.all([told, running]);
  t.pass('told');
});
