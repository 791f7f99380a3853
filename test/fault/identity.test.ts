import { createHmac, generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type Clock, systemClock } from '../../shared/clock.ts';
import { accountOf } from '../support/account.ts';
import { AgentClient, event, helloFrame, state } from '../support/agent-client.ts';
import { type RunningAggregator, runAggregator } from '../support/aggregator.ts';
import * as cluster from '../support/cluster.ts';
import { randomFrom } from '../support/random.ts';

t.setTimeout(60_000);

const { es256, good, mint, NOW_MS, rs256 } = cluster;
const nowSeconds = NOW_MS / 1000;
const EPOCH = 'epoch-1';

/** The wall time of the cluster's tokens, which the test moves on. */
class TokenClock implements Clock {
  aheadMs = 0;
  readonly #startMs = systemClock.monotonicMs();
  nowMs(): number {
    return NOW_MS + this.aheadMs + Math.round(systemClock.monotonicMs() - this.#startMs);
  }
  monotonicMs(): number {
    return systemClock.monotonicMs();
  }
}

interface Rig {
  readonly server: RunningAggregator;
  readonly clock: TokenClock;
  readonly stateDir: string;
}

async function rigOf(t: Test): Promise<Rig> {
  const { source } = await cluster.serveDiscovery(t, cluster.discovery());
  const clock = new TokenClock();
  const stateDir = join(t.testdirName, 'aggregator');
  const { url, caFile, tokenFile = '' } = source;
  const asked = { tokenReview: false, people: false, nodes: false };
  const kubernetes = { ...cluster.rules, ...asked, pool: 'worker', url, caFile, tokenFile };
  const server = await runAggregator(stateDir, { kubernetes }, clock);
  t.teardown(() => server[Symbol.asyncDispose]());
  return { server, clock, stateDir };
}

/** A token of the cluster for a pod on this node. */
function claimsOf(name: string, more: cluster.Claims = {}): cluster.Claims {
  const node = { name, uid: `uid-of-${name}` };
  const kubernetes = { namespace: 'nodeseal', node, pod: { name: 'p', uid: `pod-on-${name}` } };
  return { ...good, 'kubernetes.io': kubernetes, ...more };
}

const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
const publicPem = cluster.rsa.publicKey.export({ type: 'spki', format: 'pem' });
const victim = claimsOf('victim');
const forged: readonly (readonly [string, string])[] = [
  ['for another audience', rs256({ ...victim, aud: ['vault'] })],
  ['of another issuer', rs256({ ...victim, iss: 'https://elsewhere' })],
  ['of another account', rs256({ ...victim, sub: 'system:serviceaccount:default:default' })],
  ['that expired', rs256({ ...victim, exp: nowSeconds - 61 })],
  ['that names no node', rs256({ ...victim, 'kubernetes.io': { pod: { uid: 'p' } } })],
  ['of an unknown key', rs256(victim, 'k9', other.privateKey)],
  ['signed by another key under a known name', rs256(victim, 'k1', other.privateKey)],
  ['without a signature', mint(victim, { alg: 'none' }, () => Buffer.alloc(0))],
  [
    'signed with the public key as a shared secret',
    mint(victim, { alg: 'HS256', kid: 'k1' }, (text) =>
      createHmac('sha256', publicPem).update(text).digest(),
    ),
  ],
];

t.test('I6 no report is attributed to another node', async (t) => {
  const { server, stateDir } = await rigOf(t);
  const database = join(stateDir, 'nodeseal.db');
  const stored = (node: string): readonly string[] => accountOf(database, node).ids;

  const real = await AgentClient.connect(server.url, rs256(victim), { host: hostOf('victim') });
  real.send({ type: 'events', epoch: EPOCH, items: [by('victim', 1)] });
  await real.next('ack');

  for (const [name, token] of forged) {
    const agent = new AgentClient(server.url, token);
    t.equal(await agent.closed, 1006, `a token ${name} opens no connection`);
  }

  // With a credential of its own, whatever it says of itself.
  const random = randomFrom(Number(process.env['NODESEAL_SEED'] ?? 6));
  let next = 1;
  for (let round = 0; round < 12; round++) {
    const name = random.pick(['victim', 'uid-of-victim', 'node-1', 'liar', '']);
    const claims = { ...hostOf(name), ...(random.chance(0.5) ? hostOf('victim') : {}) };
    const token = random.chance(0.5) ? rs256(claimsOf('liar')) : es256(claimsOf('liar'));
    const spool = { epoch: EPOCH, first: 1, next, bytes: 0, lost: 0 };
    const liar = await AgentClient.connect(server.url, token, { host: claims, spool });
    const lie = { id: `liar ${next}`, node: 'victim', uid: 'uid-of-victim' };
    const item = { ...event(next, { kind: 'test', data: lie }), node: 'victim', uid: lie.uid };
    liar.sendJson({ type: 'events', epoch: EPOCH, node: 'victim', uid: lie.uid, items: [item] });
    await liar.next('ack', ({ sequence }) => sequence === next);
    liar.send({ type: 'authenticate', token: rs256(victim) });
    t.match(await liar.next('error'), { code: 'authenticate' }, 'nor with another’s in band');
    const forgery = state('files', new Map([['/a', { node: 'victim', round }]]));
    liar.sendJson({ ...forgery, node: 'victim' });
    await liar.next('stateApplied');
    next++;
    await liar.close();
  }
  t.same(stored('victim'), ['victim 1'], 'of the victim is what the victim sent');
  t.equal(stored('liar').length, next - 1, 'all else is of the credential that sent it');
  t.same(await filesOf(server, 'victim'), {});
  real.send({ type: 'events', epoch: EPOCH, items: [by('victim', 2)] });
  t.match(await real.next('ack'), { sequence: 2 }, 'who was not disturbed');
});

t.test('I6 a second node of the same name is refused while the first lives', async (t) => {
  const { server } = await rigOf(t);
  const first = await AgentClient.connect(server.url, server.agentToken, { host: hostOf('first') });
  first.send(state('files', new Map([['/a', { of: 'first' }]])));
  await first.next('stateApplied');
  // Another credential, of another authority, with the same name.
  const second = rs256(claimsOf('node-1'));
  const clash = new AgentClient(server.url, second);
  clash.socket.on('open', () => clash.send(helloFrame({ host: hostOf('second') })));
  t.equal(await clash.closed, 4011);
  t.match(await server.get('/v1/nodes'), {
    body: {
      items: { length: 1, 0: { name: 'node-1', state: 'conflict' } },
      coverage: { expected: 1, reporting: 0, missing: [{ cause: /two machines/ }] },
    },
  });
  first.send(state('files', new Map([['/a', { of: 'first, still' }]])));
  await first.next('stateApplied');
  await first.close();
  const successor = await AgentClient.connect(server.url, second, { host: hostOf('second') });
  successor.send(state('checks', new Map()));
  await successor.next('stateApplied');
  t.match(await server.get('/v1/nodes'), {
    body: {
      items: [
        { uid: 'uid-of-node-1', state: 'online' },
        { name: 'node-1', state: 'retired' },
      ],
      coverage: { expected: 1, reporting: 1, missing: [] },
    },
  });
  t.same(await filesOf(server, 'node-1'), {}, 'what the first said is not told of the second');
});

async function filesOf(server: RunningAggregator, node: string): Promise<object> {
  const { body } = await server.get(`/v1/nodes/${node}`);
  return (body as { sections: { files: object } }).sections.files;
}

function hostOf(name: string) {
  return { name, machineId: `machine-${name}`, bootId: `boot-${name}` };
}

function by(who: string, sequence: number) {
  return event(sequence, { kind: 'test', data: { id: `${who} ${sequence}` } });
}

t.test('I14 expiry ends authority', async (t) => {
  const { server, clock, stateDir } = await rigOf(t);
  const until = (seconds: number): string =>
    rs256(claimsOf('brief', { exp: nowSeconds + seconds, jti: `token-${seconds}` }));
  const agent = await AgentClient.connect(server.url, until(60));
  agent.send({ type: 'events', epoch: EPOCH, items: [by('brief', 1)] });
  await agent.next('ack');
  clock.aheadMs = 40_000;
  agent.send({ type: 'authenticate', token: until(120) });
  // They are looked at in turn: when the second was refused, the first has been taken.
  agent.send({ type: 'authenticate', token: 'of nobody' });
  await agent.next('error', ({ code }) => code === 'authenticate');
  agent.send({ type: 'events', epoch: EPOCH, items: [by('brief', 2)] });
  await agent.next('ack', ({ sequence }) => sequence === 2);
  clock.aheadMs = 80_000;
  agent.send({ type: 'events', epoch: EPOCH, items: [by('brief', 3)] });
  await agent.next('ack', ({ sequence }) => sequence === 3);
  // At 60 s of leeway the token would still open a connection; the session ends with it.
  clock.aheadMs = 121_000;
  agent.send({ type: 'events', epoch: EPOCH, items: [by('brief', 4)] });
  agent.send(state('files', new Map([['/late', {}]])));
  t.equal(await agent.closed, 4001);
  const { ids } = accountOf(join(stateDir, 'nodeseal.db'), 'brief');
  t.same(ids, ['brief 1', 'brief 2', 'brief 3'], 'nothing is accepted after it');
  t.same(await filesOf(server, 'brief'), {});
});

t.test('I14 revocation cuts a live session in 5 s', async (t) => {
  const stateDir = t.testdir({});
  await using server = await runAggregator(stateDir);
  const records = join(stateDir, 'tokens/records');
  const recordOf = (name: string): string =>
    readdirSync(records).find((file) => readFileSync(join(records, file), 'utf8').includes(name)) ??
    '';
  const ways = [
    [
      'by the API',
      async (id: string) => {
        const headers = { authorization: `Bearer ${server.adminToken}` };
        await fetch(`${server.url}/v1/tokens/${id}`, { method: 'DELETE', headers });
      },
    ],
    [
      'by hand in the folder',
      async (_: string, name: string) => rmSync(join(records, recordOf(name))),
    ],
  ] as const;
  for (const [way, revoke] of ways) {
    const name = way.replaceAll(' ', '-');
    const { body } = await server.post('/v1/tokens', { kind: 'agent', name });
    const { token, item } = body as { token: string; item: { id: string } };
    const agent = await AgentClient.connect(server.url, token);
    const startMs = performance.now();
    await revoke(item.id, name);
    t.equal(await agent.closed, 4003, way);
    const seconds = (performance.now() - startMs) / 1000;
    t.ok(seconds < 5, `${way}: after ${seconds} s`);
    t.equal(await new AgentClient(server.url, token).closed, 1006, 'and opens none');
  }
});
