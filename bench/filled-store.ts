import { join } from 'node:path';
import { openSqlite } from '../aggregator/store/sqlite.ts';
import type { Store } from '../aggregator/store/store.ts';
import type { Json } from '../shared/canonical.ts';
import { systemClock } from '../shared/clock.ts';
import { hashItems } from '../shared/report.ts';
import { SEVERITIES } from '../shared/results.ts';
import { findingItem } from '../test/support/findings.ts';

/** A store as it is after every node has reported once. */
export async function fill(
  stateDir: string,
  nodes: number,
  rules: number,
  failing: number,
): Promise<void> {
  await using store = openSqlite({ path: join(stateDir, 'nodeseal.db'), clock: systemClock });
  const chunk = 100;
  for (let first = 0; first < nodes; first += chunk) {
    const numbers = Array.from({ length: Math.min(chunk, nodes - first) }, (_, i) => first + i);
    await Promise.all(numbers.map((number) => fillNode(store, number, rules, failing)));
  }
}

async function fillNode(
  store: Store,
  number: number,
  rules: number,
  failing: number,
): Promise<void> {
  const name = `worker-${String(number).padStart(5, '0')}.cluster.example.com`;
  const uid = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
  const [atMs, epoch] = [Date.now(), 'bench'];
  const { session } = await store.openSession({
    node: { uid, name, pool: number % 3 === 0 ? 'infra' : 'worker' },
    hello: {
      agent: { version: 'bench' },
      host: { name, machineId: uid, bootId: uid },
      spool: { epoch, first: 1, next: 1, bytes: 0, lost: 0 },
    },
    atMs,
  });
  const items = new Map<string, Json>();
  for (let rule = 0; rule < rules; rule++) {
    const ruleId = `check-${rule % 10}.rule-${rule}`;
    // The same ones in each run, spread over nodes and rules.
    const isFailing = ((number * 7919 + rule * 104_729) % 1000) / 1000 < failing;
    const severity = SEVERITIES[rule % SEVERITIES.length] ?? 'high';
    items.set(ruleId, findingItem({ ruleId, severity, result: isFailing ? 'fail' : 'pass' }));
  }
  const applied = await store.apply({
    uid,
    session,
    section: 'checks',
    mode: 'full',
    to: hashItems(items),
    upsert: [...items],
    remove: [],
    asOfMs: atMs,
    receivedAtMs: atMs,
  });
  if (applied.kind !== 'applied') throw new Error(`${name}: ${applied.kind}`);
}
