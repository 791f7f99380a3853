import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { event } from '../../support/agent-client.ts';
import * as cluster from '../../support/cluster.ts';
import { API_AUDIENCE, type KubeApi, serveKubeApi } from '../../support/kube-api.ts';
import { runTlsAggregator, type TlsAggregator } from '../../support/tls-aggregator.ts';

const nowSeconds = Math.floor(Date.now() / 1000);
const times = { iat: nowSeconds - 60, nbf: nowSeconds - 60, exp: nowSeconds + 3600 };
const pod = { name: 'agent-x', uid: 'pod-uid' } as const;
/** As a cluster before Kubernetes 1.30 makes it. */
const claims: cluster.Claims = {
  ...cluster.good,
  ...times,
  'kubernetes.io': { namespace: 'nodeseal', pod },
};

async function fleetOf(
  t: Test,
  change: object,
): Promise<{ readonly fleet: TlsAggregator; readonly api: KubeApi }> {
  const api = await serveKubeApi(t);
  api.pods.set(pod.name, { uid: pod.uid, nodeName: cluster.node.name });
  api.nodes.set(cluster.node.name, cluster.node.uid);
  const { url, caFile, tokenFile = '' } = api.source;
  const fleet = await runTlsAggregator(join(t.testdirName, 'fleet'), {
    kubernetes: {
      ...cluster.rules,
      ...{ pool: 'worker', tokenReview: false, people: false, nodes: false },
      ...{ url, caFile, tokenFile },
      ...change,
    },
  });
  t.teardown(() => fleet[Symbol.asyncDispose]());
  return { fleet, api };
}

t.test('a token that names no node is bound to the node of its pod', async (t) => {
  const { fleet, api } = await fleetOf(t, { tokenReview: true });
  const token = cluster.rs256(claims);
  const agent = await fleet.agent({ token });
  t.match(await agent.next('welcome'), {
    node: cluster.node.name,
    authenticatedUntilMs: times.exp * 1000,
  });
  agent.send({ type: 'events', epoch: 'epoch-1', items: [event(1)] });
  await agent.next('ack');
  agent.close();
  await agent.closed;
  const asked = api.seen.length;
  const spool = { epoch: 'epoch-1', first: 1, next: 3, bytes: 0, lost: 0 };
  const again = await fleet.agent({ token }, { spool });
  await again.next('welcome');
  t.equal(api.seen.length, asked, 'the answer is remembered for a minute');
  await api.stop();
  const named = { ...claims, 'kubernetes.io': { namespace: 'nodeseal', pod, node: cluster.node } };
  again.send({ type: 'authenticate', token: cluster.rs256(named) });
  again.send({ type: 'events', epoch: 'epoch-1', items: [event(2)] });
  again.close();
  await again.closed;
  t.notOk(
    again.frames.some(({ type }) => type === 'error'),
    'renewed in band, the API being down',
  );
  const other = await fleet.agent({ token: cluster.rs256({ ...claims, jti: 'other' }) });
  t.equal(other.refused, 401, 'who is not remembered waits for the API server');
});

t.test('nobody else is let in by a review', async (t) => {
  const { fleet, api } = await fleetOf(t, { tokenReview: true });
  const refused: readonly (readonly [string, cluster.Claims])[] = [
    ['of another audience', { ...claims, aud: ['vault'] }],
    ['of another account', { ...claims, sub: 'system:serviceaccount:nodeseal:other' }],
    ['of no pod', { ...claims, 'kubernetes.io': { namespace: 'nodeseal' } }],
    [
      'of a pod that is gone',
      { ...claims, 'kubernetes.io': { pod: { name: 'agent-y', uid: 'gone' } } },
    ],
    [
      'of a pod whose name another has now',
      { ...claims, 'kubernetes.io': { pod: { name: pod.name, uid: 'before' } } },
    ],
  ];
  for (const [name, forged] of refused) {
    const agent = await fleet.agent({ token: cluster.rs256(forged) });
    t.equal(agent.refused, 401, name);
  }
  const { privateKey } = cluster.newRsa();
  const before = api.seen.filter((line) => line.includes('tokenreviews')).length;
  const forged = await fleet.agent({ token: cluster.rs256(claims, 'k1', privateKey) });
  t.equal(forged.refused, 401);
  const after = api.seen.filter((line) => line.includes('tokenreviews')).length;
  t.equal(after, before, 'a forged token is not even shown to the API server');
});

t.test(
  'without tokenReview such a token lets nobody in, and the log says what to do',
  async (t) => {
    const { fleet } = await fleetOf(t, {});
    const agent = await fleet.agent({ token: cluster.rs256(claims) });
    t.equal(agent.refused, 401);
    t.ok(fleet.running.log.lines.some((line) => line.includes('see kubernetes.tokenReview')));
  },
);

t.test('people of the cluster may do what its RBAC says', async (t) => {
  const { fleet, api } = await fleetOf(t, { people: true });
  api.people.set('sha256~alice', { username: 'alice', groups: ['security'] });
  api.people.set('sha256~bob', { username: 'bob', groups: [] });
  api.people.set('sha256~carol', { username: 'carol', groups: ['admins'] });
  api.people.set('sha256~dave', { username: 'dave', groups: [] });
  api.rbac.add('security get fleet.nodeseal.dev');
  api.rbac.add('bob create commands.nodeseal.dev');
  api.rbac.add('admins update fleet.nodeseal.dev');
  const statuses = async (token: string): Promise<readonly number[]> => [
    (await fleet.get('/v1/nodes', { token })).status,
    (await fleet.post('/v1/nodes/node-1/rescan', undefined, { token })).status,
    (await fleet.get('/v1/tokens', { token })).status,
  ];
  // 409: the node is not connected, so the command was allowed.
  t.same(await statuses('sha256~alice'), [200, 403, 403]);
  t.same(await statuses('sha256~bob'), [200, 409, 403]);
  t.same(await statuses('sha256~carol'), [200, 409, 200]);
  t.same(await statuses('sha256~dave'), [403, 403, 403]);
  t.same(await statuses('sha256~nobody'), [401, 401, 401]);
  t.equal(api.seen.filter((line) => line.includes('tokenreviews')).length, 5, 'one review each');
  const { body } = await fleet.get('/v1/audit?limit=500');
  const whom = (body as { items: { who: string }[] }).items.map(({ who }) => who);
  t.same([...new Set(whom)].sort(), ['alice', 'bob', 'carol'], 'and the audit log knows them');

  const script = { ...cluster.good, ...times, aud: [API_AUDIENCE] };
  const account = { ...script, sub: 'system:serviceaccount:ci:gate' };
  const token = cluster.rs256(account);
  t.equal((await fleet.get('/v1/nodes', { token })).status, 403, 'an account without a role');
  api.rbac.add('system:serviceaccount:ci:other get fleet.nodeseal.dev');
  const other = cluster.rs256({ ...account, sub: 'system:serviceaccount:ci:other' });
  t.equal((await fleet.get('/v1/nodes', { token: other })).status, 200, 'one with a role');
  const agent = await fleet.agent({ token: 'sha256~carol' });
  t.equal(agent.refused, 403, 'no person is a node');

  const reviews = api.seen.length;
  await fleet.get('/v1/nodes', { token: `nsu_0123456789abcdef.${'x'.repeat(43)}` });
  t.equal(api.seen.length, reviews, 'tokens of ours are not shown to the cluster');
  await api.stop();
  t.match(await fleet.get('/v1/nodes', { token: 'sha256~new' }), {
    status: 503,
    body: { code: 'reviewUnavailable' },
  });
  t.equal((await fleet.get('/v1/nodes', { token: 'sha256~alice' })).status, 200, 'for a minute');
  t.equal((await fleet.get('/v1/nodes')).status, 200, 'our own tokens need no cluster');
});

t.test('the keys of a cluster may lie in a file', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nodeseal-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'jwks.json');
  writeFileSync(file, JSON.stringify(cluster.keys));
  const { fleet, api } = await fleetOf(t, { keysFile: file, issuer: cluster.ISSUER });
  const named = { ...claims, 'kubernetes.io': { namespace: 'nodeseal', pod, node: cluster.node } };
  const agent = await fleet.agent({ token: cluster.rs256(named) });
  t.match(await agent.next('welcome'), { node: cluster.node.name });
  agent.close();
  t.same(api.seen, [], 'and the API server is not asked');
  for (const text of ['', '{', '[]', '{"keys":[]}', '{"keys":[{"kty":"RSA"}]}']) {
    await t.test(`but not in ${JSON.stringify(text)}`, async (t) => {
      writeFileSync(file, text);
      const { fleet: broken } = await fleetOf(t, { keysFile: file, issuer: cluster.ISSUER });
      const refused = await broken.agent({ token: cluster.rs256(named) });
      t.equal(refused.refused, 401);
      t.ok(broken.running.log.lines.some((line) => line.includes('expected a JSON Web Key Set')));
    });
  }
});
