import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { openSqlite } from '../../../aggregator/store/sqlite.ts';
import { SQLITE_MIGRATIONS } from '../../../aggregator/store/sqlite-migrations.ts';
import { SCHEMA_VERSION } from '../../../aggregator/store/sqlite-schema.ts';
import type { Store } from '../../../aggregator/store/store.ts';
import { systemClock } from '../../../shared/clock.ts';
import { storeContract } from './contract.ts';

const open = (path: string): Store => openSqlite({ path, clock: systemClock });

storeContract(t, (t) => {
  const path = join(t.testdir(), 'nodeseal.db');
  return async () => open(path);
});

t.test('a file that is not ours is refused and left as it is', async (t) => {
  const cases = [
    ['no database', (path: string) => writeFileSync(path, 'x'.repeat(4096)), 'ERR_STORE_OPEN'],
    ['of another program', (path: string) => sql(path, 'CREATE TABLE t (a)'), 'ERR_STORE_FOREIGN'],
    [
      'with another application id',
      (path: string) => sql(path, 'PRAGMA application_id = 7'),
      'ERR_STORE_FOREIGN',
    ],
    [
      'with a version but no application id',
      (path: string) => sql(path, 'PRAGMA user_version = 1'),
      'ERR_STORE_FOREIGN',
    ],
  ] as const;
  for (const [name, make, code] of cases) {
    await t.test(name, async (t) => {
      const path = join(t.testdir(), 'nodeseal.db');
      make(path);
      const before = execFileSync('sha256sum', [path]).toString();
      t.throws(() => open(path), { code, message: new RegExp(path) });
      t.equal(execFileSync('sha256sum', [path]).toString(), before);
    });
  }
});

t.test('a database that was tampered with is refused, with what is wrong', async (t) => {
  const cases = [
    [
      'a trigger that deletes what was acknowledged',
      (path: string) =>
        sql(path, 'CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM event; END'),
      { code: 'ERR_STORE_FOREIGN', message: /trigger that nodeseal does not make: t$/ },
    ],
    [
      'a trigger that has the name of a table, made before it',
      (path: string) =>
        sql(
          path,
          `DROP TABLE event_hour;
           CREATE TRIGGER event_hour AFTER INSERT ON event BEGIN DELETE FROM event; END;
           CREATE TABLE event_hour (hour INTEGER PRIMARY KEY, first INTEGER NOT NULL) STRICT`,
        ),
      { code: 'ERR_STORE_FOREIGN', message: /trigger that nodeseal does not make: event_hour$/ },
    ],
    [
      'a view in place of a table',
      (path: string) =>
        sql(path, 'DROP TABLE event_hour; CREATE VIEW event_hour AS SELECT 1 AS hour'),
      { code: 'ERR_STORE_FOREIGN', message: /view that nodeseal does not make: event_hour$/ },
    ],
    [
      'a part of it',
      (path: string) => truncateSync(path, statSync(path).size / 2),
      { code: 'ERR_STORE_OPEN', message: /malformed/ },
    ],
    [
      'its first bytes',
      (path: string) => truncateSync(path, 100),
      { code: 'ERR_STORE_OPEN', message: /malformed/ },
    ],
    [
      'a folder',
      (path: string) => {
        rmSync(path);
        mkdirSync(path);
      },
      { code: 'ERR_STORE_OPEN', message: /EISDIR/ },
    ],
    [
      'without a table',
      (path: string) => sql(path, 'DROP TABLE event'),
      { code: 'ERR_STORE_FOREIGN', message: /has no table event$/ },
    ],
    [
      'a table without its types',
      (path: string) =>
        sql(
          path,
          'DROP TABLE event_hour; CREATE TABLE event_hour (hour INTEGER PRIMARY KEY, first)',
        ),
      { code: 'ERR_STORE_FOREIGN', message: /table that nodeseal does not make: event_hour$/ },
    ],
    [
      'a column that answers by itself',
      (path: string) =>
        sql(path, `ALTER TABLE node ADD COLUMN more TEXT GENERATED ALWAYS AS (name || 'x')`),
      { code: 'ERR_STORE_FOREIGN', message: /table that nodeseal does not make: node$/ },
    ],
    [
      'an index that refuses what is acknowledged',
      (path: string) => sql(path, 'CREATE UNIQUE INDEX one_kind ON event (kind)'),
      { code: 'ERR_STORE_FOREIGN', message: /index that nodeseal does not make: one_kind$/ },
    ],
    [
      'without an index',
      (path: string) => sql(path, 'DROP INDEX event_of_kind'),
      { code: 'ERR_STORE_FOREIGN', message: /has no index event_of_kind$/ },
    ],
  ] as const;
  for (const [name, make, expected] of cases) {
    await t.test(name, async (t) => {
      const path = join(t.testdir(), 'nodeseal.db');
      await open(path)[Symbol.asyncDispose]();
      make(path);
      t.throws(() => open(path), expected);
    });
  }
});

t.test('tables of a program that makes copies do not matter', async (t) => {
  const path = join(t.testdir(), 'nodeseal.db');
  await open(path)[Symbol.asyncDispose]();
  sql(path, 'CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER); ANALYZE');
  await using store = open(path);
  t.same(await store.nodes(), []);
});

t.test('a database of a newer version is refused, also right after that', async (t) => {
  const path = join(t.testdir(), 'nodeseal.db');
  await open(path)[Symbol.asyncDispose]();
  sql(path, `PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
  t.throws(() => open(path), { code: 'ERR_STORE_NEWER' });
  t.throws(() => open(path), { code: 'ERR_STORE_NEWER' });
  sql(path, `PRAGMA user_version = ${SCHEMA_VERSION}`);
  await open(path)[Symbol.asyncDispose]();
});

t.test('a database that another store uses is refused', async (t) => {
  const path = join(t.testdir(), 'nodeseal.db');
  const first = open(path);
  t.throws(() => open(path), { code: 'ERR_STORE_IN_USE' });
  await first[Symbol.asyncDispose]();
  await open(path)[Symbol.asyncDispose]();
});

t.test('a new database can be read by its owner only', async (t) => {
  const path = join(t.testdir(), 'nodeseal.db');
  await using _store = open(path);
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.equal(statSync(`${path}-wal`).mode & 0o777, 0o600);
});

t.test(
  'a folder that is not there or cannot be written is an error that names the file',
  async (t) => {
    const folder = t.testdir({ readonly: {} });
    t.throws(() => open(join(folder, 'missing', 'nodeseal.db')), { code: 'ERR_STORE_OPEN' });
    t.test(
      'read-only',
      { skip: process.getuid?.() === 0 && 'root may write everywhere' },
      async (t) => {
        chmodSync(join(folder, 'readonly'), 0o500);
        t.throws(() => open(join(folder, 'readonly', 'nodeseal.db')), { code: 'ERR_STORE_OPEN' });
      },
    );
  },
);

t.test('a folder that is mounted read-only', { skip: !canMount() && 'needs root' }, async (t) => {
  const folder = t.testdir({});
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', folder]);
  try {
    const path = join(folder, 'nodeseal.db');
    t.throws(() => open(path), { code: 'ERR_STORE_OPEN', message: /nodeseal\.db: .*read-only/i });
  } finally {
    execFileSync('umount', [folder]);
  }
});

t.test('a database of the first version keeps its nodes and events', async (t) => {
  const path = join(t.testdir(), 'nodeseal.db');
  sql(
    path,
    `${SQLITE_MIGRATIONS[0]}
     PRAGMA application_id = ${0x6e736541};
     PRAGMA user_version = 1;
     INSERT INTO node VALUES (7, 'u', 'n', 'p', 5, 3, '1', 'h', 'm', 'b', 10, 20, NULL, 4);
     INSERT INTO spool VALUES (3, 7, 'e', 2, 3, 10, NULL);
     INSERT INTO event VALUES (11, 7, 3, 1, 1, 'at', 3600000, 'k', 'low', '{"n":1}');
     INSERT INTO event VALUES (12, 7, 3, 2, 2, 'at', 7200000, 'k', 'low', '{"n":2}');
     INSERT INTO section VALUES (7, 'checks', 'sha256:0', 1, 1, x'00');
     INSERT INTO item VALUES (1, 7, 'checks', 'a', 0, 'n', 'a', 'fail', 'high', '{}');
     UPDATE counter SET value = 5;`,
  );
  await using store = open(path);
  t.match(await store.nodes(), [{ uid: 'u', session: 5, lastSeenMs: 20, lost: 4, sections: {} }]);
  t.match((await store.events({ limit: 9, node: 'n' })).rows, [
    { node: 'n', epoch: 'e', sequence: 2, data: { n: 2 } },
    { node: 'n', epoch: 'e', sequence: 1, data: { n: 1 } },
  ]);
  t.equal((await store.events({ limit: 9, sinceMs: 7_200_000 })).rows.length, 1);
  t.same((await store.items({ section: 'checks', limit: 9 })).rows, []);
  const hello = {
    agent: { version: '1' },
    host: { name: 'h', machineId: 'm', bootId: 'b' },
    spool: { epoch: 'e', first: 1, next: 3, bytes: 0, lost: 0 },
  };
  const node = { uid: 'u', name: 'n', pool: 'p' };
  t.match(await store.openSession({ node, hello, atMs: 30 }), {
    session: 6,
    have: { epoch: 'e', sequence: 2, sections: {} },
    notes: [],
  });
});

t.test('a commit takes all writes of one turn together', async (t) => {
  const records: number[] = [];
  await using store = openSqlite({
    path: join(t.testdir(), 'nodeseal.db'),
    clock: systemClock,
    onCommit: (_seconds, count) => records.push(count),
  });
  await Promise.all([store.probe(), store.probe(), store.probe()]);
  t.same(records, [3]);
});

t.test('a full disk', { skip: !canMount() && 'needs root to mount a small tmpfs' }, async (t) => {
  const folder = t.testdir();
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder]);
  try {
    await using store = open(join(folder, 'nodeseal.db'));
    const hello = {
      agent: { version: '1' },
      host: { name: 'h', machineId: 'm', bootId: 'b' },
      spool: { epoch: 'e', first: 1, next: 1, bytes: 0, lost: 0 },
    };
    const node = { uid: 'u', name: 'n', pool: 'p' };
    const { session } = await store.openSession({ node, hello, atMs: 0 });
    let acknowledged = 0;
    const append = async (sequence: number): Promise<void> => {
      const data = JSON.stringify({ fill: 'x'.repeat(20_000) });
      const at = '2026-11-21T00:00:00.000Z';
      const event = { sequence, throughSequence: sequence, at, kind: 'k', data, lost: 0 };
      const events = [{ ...event, class: 'low' as const }];
      const batch = { uid: 'u', session, epoch: 'e', receivedAtMs: 0, events };
      acknowledged = (await store.append(batch)).sequence;
    };
    writeFileSync(join(folder, 'ballast'), Buffer.alloc(1_000_000));
    await t.rejects(
      (async () => {
        for (let sequence = 1; sequence < 200; sequence++) await append(sequence);
      })(),
      { code: 'ERR_STORE_WRITE' },
      'is an error to the writer',
    );
    t.ok(acknowledged > 0);
    await t.rejects(
      store.probe().then(() => append(acknowledged + 1)),
      { code: 'ERR_STORE_WRITE' },
    );
    const { rows } = await store.events({ limit: 1 });
    t.equal(rows[0]?.sequence, acknowledged, 'loses nothing that was acknowledged');
    execFileSync('rm', [join(folder, 'ballast')]);
    await append(acknowledged + 1);
    t.pass('is over when there is room again');
  } finally {
    execFileSync('umount', [folder]);
  }
});

function sql(path: string, text: string): void {
  const database = new DatabaseSync(path);
  database.exec(text);
  database.close();
}

function canMount(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' });
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}
