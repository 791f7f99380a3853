import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openSqlite } from '../../aggregator/store/sqlite.ts';
import type { Store } from '../../aggregator/store/store.ts';
import type { Json } from '../../shared/canonical.ts';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import type { EventItem } from '../../shared/protocol.ts';
import { hashItems, type SectionName } from '../../shared/report.ts';
import { type RunningAggregator, runAggregator } from './aggregator.ts';

/** One node of test/fixtures/fleet. */
export interface RecordedNode {
  readonly name: string;
  readonly uid: string;
  readonly pool: string;
  readonly seenSecondsAgo: number;
  /** By section, by key. */
  readonly sections: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  /** Oldest first. */
  readonly events: readonly (Pick<EventItem, 'kind' | 'class' | 'data'> & {
    readonly secondsAgo: number;
  })[];
}

/** When the recorded fleet is looked at. */
export const RECORDED_AT: number = Date.parse('2026-11-21T12:00:00Z');
/** A clock that stands still, so that no age depends on how fast a test is. */
export const RECORDED_CLOCK: Clock = { nowMs: () => RECORDED_AT, monotonicMs: () => 86_400_000 };

export interface RecordedFleet extends AsyncDisposable {
  readonly running: RunningAggregator;
  /** The flags of a fleet command, with the administrator's token. */
  readonly flags: readonly string[];
}

/** A real aggregator over the recorded fleet, and one node, gpu-7, that never reported. */
export async function runRecordedFleet(folder: string): Promise<RecordedFleet> {
  const file = join(import.meta.dirname, '../fixtures/fleet/fleet.json');
  const nodes: readonly RecordedNode[] = JSON.parse(await readFile(file, 'utf8'));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  {
    await using store = openSqlite({ path: join(folder, 'nodeseal.db'), clock: RECORDED_CLOCK });
    for (const node of nodes) await fillNode(store, node);
  }
  const inventory = [{ name: 'gpu-7', pool: 'gpu' }];
  const change = { inventory, bootstrapAgent: 'worker-1' };
  const running = await runAggregator(folder, change, RECORDED_CLOCK);
  const tokenFile = join(folder, 'cli.token');
  await writeFile(tokenFile, `${running.adminToken}\n`);
  return {
    running,
    flags: ['--server', running.url, '--token-file', tokenFile],
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

async function fillNode(store: Store, node: RecordedNode): Promise<void> {
  const { name, uid, pool, events } = node;
  const atMs = RECORDED_AT - node.seenSecondsAgo * 1000;
  const epoch = 'epoch-1';
  const { session } = await store.openSession({
    node: { uid, name, pool },
    hello: {
      agent: { version: '0.1.0' },
      host: { name, machineId: uid, bootId: uid },
      spool: { epoch, first: 1, next: events.length + 1, bytes: 0, lost: 0 },
    },
    atMs,
  });
  for (const [section, members] of Object.entries(node.sections)) {
    const items = new Map(Object.entries(members));
    const applied = await store.apply({
      uid,
      session,
      // The recorder writes nothing else.
      section: section as SectionName,
      mode: 'full',
      to: hashItems(items),
      upsert: [...items],
      remove: [],
      asOfMs: atMs,
      receivedAtMs: atMs,
    });
    if (applied.kind !== 'applied') throw new Error(`${name}: ${section}: ${applied.kind}`);
  }
  for (const [index, { secondsAgo, kind, class: grade, ...event }] of events.entries()) {
    const receivedAtMs = RECORDED_AT - secondsAgo * 1000;
    const sequence = index + 1;
    const at = rfc3339(receivedAtMs);
    const numbers = { sequence, throughSequence: sequence, lost: 0 };
    const data = JSON.stringify(event.data);
    const recorded = { ...numbers, at, kind, class: grade, data };
    await store.append({ uid, session, epoch, receivedAtMs, events: [recorded] });
  }
}
