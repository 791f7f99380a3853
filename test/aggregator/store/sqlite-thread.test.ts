import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openSqliteThreads } from '../../../aggregator/store/sqlite-thread.ts';
import { storeContract } from './contract.ts';

storeContract(t, (t) => {
  const path = join(t.testdir(), 'nodeseal.db');
  return () => openSqliteThreads({ path });
});

t.test('a database that cannot be used is refused as by the store itself', async (t) => {
  const path = join(t.testdir(), 'nodeseal.db');
  writeFileSync(path, 'x'.repeat(4096));
  await t.rejects(openSqliteThreads({ path }), { code: 'ERR_STORE_OPEN' });
});

t.test('the event loop goes on while the store works', async (t) => {
  await using store = await openSqliteThreads({ path: join(t.testdir(), 'nodeseal.db') });
  const commits: number[] = [];
  let turns = 0;
  const timer = setInterval(() => {
    turns++;
  }, 1);
  for (let round = 0; round < 50; round++) {
    await store.probe();
    commits.push(round);
  }
  clearInterval(timer);
  t.equal(commits.length, 50);
  t.ok(turns > 0);
  t.equal(store.backlog, 0);
});
