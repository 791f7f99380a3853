import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { finding, image } from '../../cli/fleet.ts';
import { AgentClient } from '../../support/agent-client.ts';
import { type RunningAggregator, runAggregator } from '../../support/aggregator.ts';

type Cell = readonly [sql: string, ...values: Uint8Array[]];

/** What may be in a database that is brought from elsewhere and whose tables are ours to the letter. */
const CELLS: readonly (readonly [name: string, ...cells: Cell[]])[] = [
  [
    'with JSON cut off, and bodies that are not packed',
    [`UPDATE event SET data = '{'`],
    [`UPDATE item SET item = '{'`],
    ['UPDATE body SET data = ?', Buffer.from('x')],
  ],
  [
    'with other JSON than ours',
    [`UPDATE event SET data = '[1]', class = '', at = ''`],
    [`UPDATE item SET item = '[[]]', rank = 9999`],
    ['UPDATE body SET data = ?', gzipSync('[[1],[],["a"],null]')],
  ],
  [
    'with times beyond all calendars, and bodies without end',
    ['UPDATE event SET received_at = 9007199254740991'],
    ['UPDATE node SET last_seen = 9007199254740991'],
    ['UPDATE body SET data = ?', gzipSync(Buffer.alloc(2 ** 28))],
  ],
  [
    'with numbers beyond numbers, and sections without bodies',
    ['UPDATE event SET sequence = 9223372036854775807 WHERE sequence = 3'],
    ['UPDATE counter SET value = 9007199254740991'],
    ['DELETE FROM body'],
  ],
  ['with ranks that are none', [`UPDATE section SET tally = '[[1e999, -1], ["__proto__", 1]]'`]],
  ['with ranks cut off', [`UPDATE section SET tally = '['`]],
  ['with a node seen beyond all numbers', ['UPDATE node SET last_seen = 9223372036854775807']],
  [
    'with a node of a hostile name, and no counter',
    [`UPDATE node SET name = '__proto__', uid = 'constructor', pool = ''`],
    ['DELETE FROM counter'],
  ],
];
const ROUTES = ['nodes', 'findings', 'images', 'drift', 'events', 'checks', 'policies'];

t.test('a database that was made to mislead', async (t) => {
  const folder = t.testdir({ first: {} });
  await fillIn(join(folder, 'first'));
  for (const [index, [name, ...cells]] of CELLS.entries()) {
    const at = join(folder, `cells-${index}`);
    cpSync(join(folder, 'first'), at, { recursive: true });
    const database = new DatabaseSync(join(at, 'nodeseal.db'));
    database.exec('PRAGMA foreign_keys = OFF');
    for (const [sql, ...values] of cells) database.prepare(sql).run(...values);
    database.close();
    await assertBearable(t, at, name);
  }
});

t.test('a database whose pages are damaged', async (t) => {
  const folder = t.testdir({ first: {} });
  await fillIn(join(folder, 'first'));
  const whole = readFileSync(join(folder, 'first/nodeseal.db'));
  const pageBytes = whole.readUInt16BE(16);
  for (let page = 1; page < whole.length / pageBytes; page += 12) {
    const at = join(folder, `page-${page}`);
    cpSync(join(folder, 'first'), at, { recursive: true });
    const damaged = Buffer.from(whole);
    damaged.fill(0xa5, page * pageBytes, page * pageBytes + 2000);
    writeFileSync(join(at, 'nodeseal.db'), damaged);
    await assertBearable(t, at, `page ${page}`);
  }
});

/** A database with a node that has reported everything. */
async function fillIn(folder: string): Promise<void> {
  await using server = await runAggregator(folder);
  const agent = await AgentClient.connect(server.url, server.agentToken);
  agent.events([1, 2, 3]);
  await agent.next('ack', ({ sequence }) => sequence === 3);
  const items = {
    checks: new Map([['a.b', finding('a.b', { result: 'fail' })]]),
    images: new Map([['x', image('quay.io/x:1')]]),
    files: new Map([['/a', { path: '/a', class: 'managed-drift', sha256: null, mode: null }]]),
  };
  for (const [section, of] of Object.entries(items)) {
    agent.send(agent.full(section as keyof typeof items, of as unknown as Map<string, never>));
    await agent.next('stateApplied', (frame) => frame.section === section);
  }
  agent.socket.terminate();
}

/** It is refused at the start with its place; or it serves, and answers what it cannot read with a problem. */
async function assertBearable(t: Test, folder: string, name: string): Promise<void> {
  let server: RunningAggregator;
  try {
    server = await runAggregator(folder);
  } catch (error) {
    t.match(error, { code: /^ERR_STORE/ }, `${name}: refused`);
    return;
  }
  await using running = server;
  for (const route of ROUTES) {
    const { status, body } = await running.get(`/v1/${route}`);
    t.ok([200, 500, 503].includes(status), `${name}: ${route}: ${status}`);
    t.notMatch(
      JSON.stringify(body),
      /\.ts:|node_modules/,
      `${name}: ${route}: nothing of ours is told`,
    );
    if (status !== 200) t.match(body, { status, code: /^(?:storeUnavailable|internal)$/ });
  }
  t.equal((await running.get('/healthz', null)).status, 200, name);
  const isKnown = (await running.get('/readyz', null)).status;
  t.ok([200, 503].includes(isKnown), `${name}: readyz ${isKnown}`);
}
