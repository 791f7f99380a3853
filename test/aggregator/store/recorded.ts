import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { Store } from '../../../aggregator/store/store.ts';

const FOLDER = join(import.meta.dirname, '../../fixtures/databases');

/** Databases as earlier versions left them, the oldest first: test/fixtures/databases/README.md. */
export function recordedDatabases(
  kind: 'sqlite' | 'postgresql',
): readonly { readonly version: number; readonly sql: string }[] {
  return globSync(`${kind}-*.sql`, { cwd: FOLDER })
    .map((name) => ({
      version: Number(/-(\d+)\.sql$/.exec(name)?.[1]),
      sql: readFileSync(join(FOLDER, name), 'utf8'),
    }))
    .sort((a, b) => a.version - b.version);
}

/**
 * All that was acknowledged is there, and the node goes on where it was. `withStates`: of versions whose states are kept;
 * of others the node is asked for them.
 */
export async function holdsWhatWasRecorded(
  t: Test,
  store: Store,
  withStates: boolean,
): Promise<void> {
  const [node] = await store.nodes();
  if (node === undefined) throw new Error('the node is gone');
  t.match(node, { name: 'node-1', pool: 'default', session: 1, lost: 0, agentVersion: '0.1.0' });
  const { rows } = await store.events({ limit: 9, node: 'node-1' });
  t.same(
    rows.map(({ sequence, epoch, data }) => [epoch, sequence, data]),
    [3, 2, 1].map((n) => ['epoch-1', n, { path: `/etc/file-${n}` }]),
  );
  const checks = await store.section(node.uid, 'checks');
  t.equal(checks !== undefined, withStates, 'the state of its checks');
  const failing = await store.items({ section: 'checks', limit: 9 });
  t.same(
    failing.rows.map(({ key }) => key.split('\0')[0]).sort(),
    withStates ? ['registries.unmanaged-files', 'selinux.enforcing', 'trust.default-reject'] : [],
  );
  const opened = await store.openSession({
    node: { uid: node.uid, name: 'node-1', pool: 'default' },
    hello: {
      agent: { version: '0.1.0' },
      host: { name: 'host-1', machineId: 'machine-1', bootId: 'boot-1' },
      spool: { epoch: 'epoch-1', first: 1, next: 4, bytes: 0, lost: 0 },
    },
    atMs: node.lastSeenMs + 1000,
  });
  t.match(opened, { session: 2, have: { epoch: 'epoch-1', sequence: 3 }, notes: [] });
  t.same(Object.keys(opened.have.sections), withStates ? ['checks'] : []);
  const writer = { uid: node.uid, session: opened.session };
  const next = { sequence: 4, throughSequence: 4, at: '2026-11-22T00:00:00.000Z', lost: 0 };
  const cursor = await store.append({
    ...writer,
    epoch: 'epoch-1',
    receivedAtMs: node.lastSeenMs + 2000,
    events: [{ ...next, kind: 'file.changed', class: 'low', data: '{}' }],
  });
  t.match(cursor, { sequence: 4 }, 'and takes the next event');
}
