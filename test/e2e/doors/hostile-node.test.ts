import { join } from 'node:path';
import t, { type Test } from 'tap';
import { LIMITS } from '../../../shared/protocol.ts';
import { hashItems, hashRoot, type SectionName } from '../../../shared/report.ts';
import { AgentClient, event, type helloFrame, state } from '../../support/agent-client.ts';
import { type RunningAggregator, runAggregator } from '../../support/aggregator.ts';
import { PageClient } from '../../support/page-client.ts';

/** What a node with a credential may say of itself, each within what the protocol can write. */
const MOST = Number.MAX_SAFE_INTEGER;
const HUGE = 1.7e308;
const hash = hashRoot({});

const HELLOS: readonly object[] = [
  {
    clock: { wallMs: HUGE, monotonicMs: HUGE },
    host: { name: '__proto__', machineId: 'constructor', bootId: '\ud800' },
  },
  {
    clock: { wallMs: -HUGE, monotonicMs: -0 },
    agent: { version: '\u001b]0;x\u0007'.repeat(100) },
    capabilities: ['__proto__', 'toString'],
  },
  { sections: { host: hash, checks: hash }, rootHash: hash },
];

/** Times that are written as RFC 3339 has it, and what else passes for one. */
const TIMES: readonly string[] = [
  '9999-12-31T23:59:59.999Z',
  '0000-01-01T00:00:00Z',
  '0000-01-01T00:00:00+23:59',
  '9999-12-31T23:59:59-23:59',
  '2026-02-31T00:00:00Z',
  '2026-01-01 00:00:00 +23',
  '2026-01-01T00:00:00+0159',
  '2026-01-01T00:00:00.123456789Z',
];

const BEATS: readonly object[] = [
  { wallMs: HUGE, loopDelayMs: HUGE, rssBytes: MOST },
  { wallMs: -HUGE, loopDelayMs: -HUGE, unsent: { records: MOST, oldestSeconds: -HUGE } },
  { unsent: { records: MOST, oldestSeconds: HUGE }, conditions: ['__proto__', '', '\u202e'] },
];

/** Items as JSON text: some have no number or name that JavaScript would write so. */
const ITEMS: readonly string[] = [
  '{"ruleId":"a.b","checkId":"a","title":"t","result":"pass","severity":"high","observed":{"n":1e999}}',
  '{"ruleId":"__proto__","result":"fail","severity":"constructor"}',
  '{"__proto__":{"result":"pass"},"constructor":{"prototype":{"result":"pass"}}}',
  '{"path":"/a","class":"managed-drift","mode":9007199254740993,"sha256":"\\ud800"}',
  '[[[1e308,-0,9007199254740993]]]',
  '"\\udc00"',
  'null',
];
const KEYS: readonly string[] = ['__proto__', 'constructor', 'toString', '', '\\ud800', 'a b c'];
const SECTIONS: readonly SectionName[] = ['host', 'checks', 'trust', 'files', 'images', 'agent'];

const LISTS = ['nodes', 'findings', 'images', 'drift', 'events', 'checks', 'policies'];
const ROUTES: readonly string[] = [
  ...LISTS.map((name) => `/v1/${name}`),
  ...['/v1/nodes/node-1', '/v1/events/node-1', '/v1/pools/default', '/metrics'],
];
const PAGES: readonly string[] = [
  ...['/', '/nodes', '/trust', '/images', '/checks', '/drift', '/coverage', '/simulate'],
  ...['summary', 'trust', 'checks', 'images', 'drift', 'agent', 'raw'].map(
    (tab) => `/nodes/node-1?tab=${tab}`,
  ),
];

t.test('whatever numbers, times and names one node says, every answer is given', async (t) => {
  const folder = join(t.testdir({}), 'aggregator');
  {
    await using server = await runAggregator(folder);
    const { body } = await server.post('/v1/tokens', { kind: 'agent', name: 'node-2' });
    const good = await AgentClient.connect(server.url, (body as { token: string }).token);
    for (const [index, hello] of HELLOS.entries()) {
      await speak(server, { ...hello, spool: spoolOf(`life ${index}`) }, `life ${index}`);
      good.events([index + 1]);
      t.equal((await good.next('ack')).sequence, index + 1, 'the node beside it goes on');
    }
    await assertAnswers(t, server, 'while it runs');
    good.socket.terminate();
  }
  await using server = await runAggregator(folder);
  await assertAnswers(t, server, 'after a restart');
  const again = await AgentClient.connect(server.url, server.agentToken, {
    spool: { epoch: 'after', first: 1, next: 1, bytes: 0, lost: 0 },
  });
  again.events([1], 'after');
  t.equal((await again.next('ack')).sequence, 1, 'and the node is not shut out');
  again.socket.terminate();
});

function spoolOf(epoch: string): ReturnType<typeof helloFrame>['spool'] {
  return { epoch, first: 1, next: LIMITS.sequence, bytes: MOST, lost: MOST };
}

/** One connection of the hostile node, from hello until it has said everything. */
async function speak(server: RunningAggregator, hello: object, epoch: string): Promise<void> {
  const agent = await AgentClient.connect(server.url, server.agentToken, hello);
  const raw = (text: string): void =>
    agent.socket.send(Buffer.concat([Buffer.of(0), Buffer.from(text)]));
  for (const beat of BEATS) {
    const usual = { rootHash: hash, unsent: { records: 0, oldestSeconds: 0 } };
    agent.sendJson({
      type: 'heartbeat',
      ...usual,
      rssBytes: 1,
      loopDelayMs: 1,
      wallMs: 1,
      ...beat,
    });
  }
  const items = TIMES.map((at, index) => ({ ...event(index + 1), at, data: { at } }));
  agent.sendJson({ type: 'events', epoch, items });
  const last = TIMES.length;
  await agent.next('ack', ({ sequence }) => sequence >= last);
  raw(
    `{"type":"events","epoch":${JSON.stringify(epoch)},"items":[{"sequence":${last + 1},"at":"2026-11-21T00:00:00Z",` +
      `"monotonicMs":-0,"kind":"__proto__","class":"high","data":{"__proto__":1,"n":1e999,"constructor":{}}}]}`,
  );
  await agent.next('ack', ({ sequence }) => sequence === last + 1);
  for (const section of SECTIONS) {
    const upsert = ITEMS.map((item, index) => `["${KEYS[index % KEYS.length]}",${item}]`).join(',');
    const keyed = new Map(JSON.parse(`[${upsert}]`.replaceAll('1e999', 'null')));
    // As both sides read it: a number beyond all numbers is none.
    const to = hashItems(keyed as Parameters<typeof hashItems>[0]);
    raw(
      `{"type":"state","section":"${section}","mode":"full","to":"${to}","part":1,"of":1,` +
        `"upsert":[${upsert}],"remove":[],"asOf":"${TIMES[0]}"}`,
    );
    await agent.next('stateApplied', (frame) => frame.section === section);
  }
  const far = state('agent', new Map([['__proto__', { at: TIMES[0] ?? '' }]]));
  for (const asOf of TIMES) agent.send({ ...far, to: hashItems(new Map()), asOf });
  for (const sequence of [2 ** 53, MOST, LIMITS.sequence + 1]) {
    agent.sendJson({ type: 'events', epoch, items: [event(sequence)] });
    await agent.next('error', ({ code }) => code === 'ERR_FRAME_SCHEMA');
  }
  const lost = { kind: 'lost', class: 'high', throughSequence: LIMITS.sequence, count: MOST };
  agent.sendJson({ type: 'events', epoch, items: [{ ...event(last + 2), ...lost }] });
  await agent.next('ack', ({ sequence }) => sequence === LIMITS.sequence);
  agent.socket.terminate();
  await agent.closed;
}

async function assertAnswers(t: Test, server: RunningAggregator, when: string): Promise<void> {
  for (const path of ROUTES) t.equal((await server.get(path)).status, 200, `${path} ${when}`);
  const client = await PageClient.signIn(server.url, server.adminToken);
  for (const path of PAGES) t.equal((await client.get(path)).status, 200, `${path} ${when}`);
  t.match((await server.get('/v1/nodes')).body, { items: { length: 2 } }, when);
  const failures = server.log.lines.filter((line) =>
    /^(?:request|page|upgrade|store) failed|could not be handled/.test(line),
  );
  t.same(failures, [], when);
}
