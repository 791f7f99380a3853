import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { certificateRequest, makeKey } from '../../agent/identity/certificate-request.ts';
import { CLOSE } from '../../shared/protocol.ts';
import { PostgresServer, withoutPostgres } from '../support/postgres.ts';
import type { AskOptions, TestNode, TlsAgent, TlsAggregator } from '../support/tls-aggregator.ts';
import { runTlsAggregator } from '../support/tls-aggregator.ts';

t.setTimeout(60_000);

interface Pair {
  readonly a: TlsAggregator;
  readonly b: TlsAggregator;
  readonly admin: { readonly token: string };
}

/** Two aggregators, each with a state directory of its own. */
async function pair(t: Test, server: PostgresServer): Promise<Pair> {
  const databaseUrl = await server.database();
  const folder = t.testdir({ a: {}, b: {} });
  const a = await runTlsAggregator(join(folder, 'a'), { databaseUrl });
  t.teardown(() => a[Symbol.asyncDispose]());
  const b = await runTlsAggregator(join(folder, 'b'), { databaseUrl });
  t.teardown(() => b[Symbol.asyncDispose]());
  return { a, b, admin: { token: a.running.adminToken } };
}

async function welcomed(aggregator: TlsAggregator, options: AskOptions): Promise<TlsAgent> {
  const agent = await aggregator.agent(options);
  await agent.next('welcome');
  return agent;
}

t.test('aggregators on one database', { skip: withoutPostgres }, async (t) => {
  const server = await PostgresServer.create();
  t.teardown(() => server[Symbol.asyncDispose]());

  await t.test('let in whom another let in, renew and revoke for it', async (t) => {
    const { a, b, admin } = await pair(t, server);
    const node = await a.node('edge-1');
    const atB = await welcomed(b, { as: node });
    t.match(await b.get('/v1/nodes', admin), {
      body: { items: [{ name: 'edge-1', uid: node.uid }] },
    });

    const key = makeKey();
    const csr = certificateRequest(key);
    const { status, body } = await b.post('/v1/renew', { csr }, { token: null, as: node });
    t.equal(status, 200);
    const { certificate, uid } = body as { certificate: string; uid: string };
    t.equal(uid, node.uid, 'a new certificate, from the other authority');
    const renewed: Pick<TestNode, 'key' | 'pem'> = { key, pem: certificate };
    const atA = await welcomed(a, { as: renewed });
    t.equal(await atB.closed, CLOSE.superseded);

    t.match(await b.post('/v1/nodes/edge-1/revoke', undefined, admin), { status: 200 });
    const startMs = performance.now();
    t.equal(await atA.closed, CLOSE.revoked, 'a revocation at the one cuts off at the other');
    const seconds = (performance.now() - startMs) / 1000;
    t.ok(seconds < 5, `after ${seconds} s`);
    for (const aggregator of [b, a]) {
      const refused = await aggregator.agent({ as: renewed });
      t.equal(await refused.closed, CLOSE.revoked, 'and it is let in nowhere');
    }
    t.match(await a.post('/v1/nodes/edge-1/approve', undefined, admin), { status: 200 });
    const isApproved = async (): Promise<boolean> =>
      JSON.stringify((await b.get('/v1/enrolments', admin)).body).includes('"approved"');
    while (!(await isApproved()));
    (await welcomed(b, { as: renewed })).close();
    t.match(await a.post('/v1/nodes/edge-1/retire', undefined, admin), { status: 200 });
    const retired = await a.agent({ as: renewed });
    t.equal(await retired.closed, CLOSE.unknownNode, 'it may come back as a new one');
  });

  await t.test('spend a join token together', async (t) => {
    const { a, b, admin } = await pair(t, server);
    const wanted = { kind: 'join', name: 'few', uses: 5 };
    const { body } = await a.post('/v1/tokens', wanted, admin);
    const { token } = body as { token: string };
    // At once, of names that some ask for at both.
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, index) =>
        (index % 2 === 0 ? a : b).enrol(`node-${Math.floor(index / 2)}`, makeKey(), token),
      ),
    );
    const given = answers.filter(({ status }) => status === 200);
    t.equal(given.length, 5, 'no use of it is spent twice');
    const names = given.map(({ body: enrolled }) => (enrolled as { node: string }).node);
    t.equal(new Set(names).size, 5, 'and no name is given twice');
    for (const aggregator of [a, b]) {
      const list = await aggregator.get('/v1/tokens', admin);
      const { items } = list.body as { items: readonly { name: string; usesLeft?: number }[] };
      t.match(
        items.find(({ name }) => name === 'few'),
        { usesLeft: 0 },
      );
    }
  });

  await t.test('know the tokens of each other', async (t) => {
    const { a, b, admin } = await pair(t, server);
    const { body } = await b.post(
      '/v1/tokens',
      { kind: 'user', name: 'eve', role: 'viewer' },
      admin,
    );
    const { token, item } = body as { token: string; item: { id: string } };
    const asEve = async (): Promise<number> => (await a.get('/v1/nodes', { token })).status;
    t.equal(await asEve(), 200, 'at once');
    t.same(readdirSync(join(b.stateDir, 'tokens/records')), [], 'nothing of it is in files');
    t.match(await a.remove(`/v1/tokens/${item.id}`, admin), { status: 200 });
    while ((await b.get('/v1/nodes', { token })).status === 200);
    t.equal((await b.get('/v1/nodes', { token })).status, 401, 'and for no longer than the other');
  });

  await t.test('take over what one had in files before there was a database', async (t) => {
    const folder = t.testdir({ a: {} });
    const alone = await runTlsAggregator(join(folder, 'a'));
    const node = await alone.node('edge-1');
    const admin = { token: alone.running.adminToken };
    await alone[Symbol.asyncDispose]();
    const databaseUrl = await server.database();
    await using a = await runTlsAggregator(join(folder, 'a'), { databaseUrl });
    (await welcomed(a, { as: node })).close();
    t.match(await a.post('/v1/nodes/edge-1/revoke', undefined, admin), { status: 200 });
    await a[Symbol.asyncDispose]();
    await using again = await runTlsAggregator(join(folder, 'a'), { databaseUrl });
    const refused = await again.agent({ as: node });
    t.equal(await refused.closed, CLOSE.revoked, 'once: later the files say nothing');
  });
});
