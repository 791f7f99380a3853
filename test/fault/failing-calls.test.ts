import { join } from 'node:path';
import t from 'tap';
import type { Spool, SpoolState } from '../../agent/spool.ts';
import { systemClock } from '../../shared/clock.ts';
import { failCallsOf, plan, type Way } from './failing-files.ts';

failCallsOf(/\/agent\/spool(?:\.ts|\/[a-z-]+\.ts)$|\/shared\/folder\.ts$/);
const { Spool: Subject } = await import('../../agent/spool.ts');

/** So small that a few events begin segments, meet the cap and are given up. */
const limits = { segmentBytes: 700, totalBytes: 3000, keptBytes: 1000 };
const BURSTS = [1, 3, 2, 5, 1, 4] as const;

/** What a peer that takes every event once holds of a spool, whatever its lives. */
class Peer {
  readonly ids: string[] = [];
  lost = 0;
  readonly #held = new Map<string, number>();

  heldOf(epoch: string): number {
    return this.#held.get(epoch) ?? 0;
  }

  /** Takes what the spool has beyond what is held; throws when a number is missing. */
  async take(spool: Spool, records: number): Promise<void> {
    const { epoch } = spool.state;
    const held = this.heldOf(epoch);
    const items = await spool.read(held + 1, { records, bytes: 100_000 });
    let next = held + 1;
    for (const item of items) {
      if (item.sequence !== next) throw new Error(`${item.sequence} read, expected ${next}`);
      next = (item.throughSequence ?? item.sequence) + 1;
      if (item.kind === 'lost') this.lost += item.count ?? Number.NaN;
      else this.ids.push(String(item.data['id']));
    }
    this.#held.set(epoch, next - 1);
    await spool.acknowledge(epoch, next - 1);
  }
}

/** Does what may fail, as the agent does: the connection ends, and the next one tries again. */
async function attempt(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
  }
}

/** One run of an agent whose call number `plan.failAt` fails; how many events it gave to its spool. */
async function live(folder: string, peer: Peer): Promise<number> {
  let spool: Spool | undefined;
  // Without its folder an agent does not start: it is started again.
  await attempt(async () => {
    spool = await Subject.open({ folder, limits, clock: systemClock });
  });
  spool ??= await Subject.open({ folder, limits, clock: systemClock });
  const subject = spool;
  let given = 0;
  const give = async (count: number): Promise<void> => {
    const from = given;
    given += count;
    const drafts = Array.from({ length: count }, (_, n) => {
      const data = { id: `${from + n}`, path: `${from + n}`, fill: 'x'.repeat(90) };
      return { kind: 'test', class: n % 2 === 0 ? 'high' : 'low', data } as const;
    });
    // Never rejects: who saw something must not stop because of the disk.
    await Promise.all(drafts.map((draft) => subject.append(draft)));
  };
  for (const burst of BURSTS) {
    await give(burst);
    await attempt(() => peer.take(subject, 3));
  }
  await attempt(() => subject.renew());
  await give(20);
  await attempt(() => peer.take(subject, 10));
  await attempt(() => subject[Symbol.asyncDispose]());
  return given;
}

const ways: readonly Way[] = ['not done', 'done', 'short'];
for (const way of ways) {
  t.test(`I2 whichever call of the spool fails, ${way}: delivered or counted`, async (t) => {
    const folder = t.testdir({});
    let failed = 0;
    for (;;) {
      const peer = new Peer();
      const spoolFolder = join(folder, String(failed));
      Object.assign(plan, { failAt: failed + 1, made: 0, way });
      const given = await live(spoolFolder, peer);
      const isUntouched = plan.made < plan.failAt;
      Object.assign(plan, { failAt: 0, made: 0 });
      const end = await drain(spoolFolder, peer);
      const name = `call ${failed + 1}, ${plan.failed}`;
      if (isUntouched) {
        t.ok(failed > 50, `${failed} calls`);
        t.ok(peer.lost > 0 && peer.ids.length > 10, `${peer.lost} given up without any failure`);
      }
      t.equal(peer.ids.length + peer.lost, given, `${name}: each event`);
      t.equal(new Set(peer.ids).size, peer.ids.length, `${name}: once`);
      t.equal(end.degraded, undefined, `${name}: and it goes on`);
      if (isUntouched) return;
      failed++;
    }
  });
}

/** The agent is started again and nothing fails any more. */
async function drain(folder: string, peer: Peer): Promise<SpoolState> {
  await using spool = await Subject.open({ folder, limits, clock: systemClock });
  while (peer.heldOf(spool.state.epoch) < spool.state.next - 1) await peer.take(spool, 10);
  return spool.state;
}
