// One piece: one fleet, and every way to be taken for another node of it.
import { createHmac, createPublicKey, sign, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { certificateRequest, makeKey } from '../../../agent/identity/certificate-request.ts';
import { NodeCa } from '../../../aggregator/identity/node-ca.ts';
import { systemClock } from '../../../shared/clock.ts';
import { event } from '../../support/agent-client.ts';
import {
  certificate,
  ecKey,
  extendedKeyUsage,
  generalName,
  pem,
  subjectAltName,
} from '../../support/certificates.ts';
import * as cluster from '../../support/cluster.ts';
import {
  runTlsAggregator,
  type TestNode,
  type TlsAggregator,
} from '../../support/tls-aggregator.ts';

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const DAY_MS = 86_400_000;

/** Tokens of the cluster in the present, where the aggregator's clock is. */
const nowSeconds = Math.floor(Date.now() / 1000);
const claims: cluster.Claims = {
  ...cluster.good,
  iat: nowSeconds - 60,
  nbf: nowSeconds - 60,
  exp: nowSeconds + 3600,
};
const publicPem = cluster.rsa.publicKey.export({ type: 'spki', format: 'pem' });
const own = cluster.newRsa();
const ownKey = { ...own, jwk: own.publicKey.export({ format: 'jwk' }) };
const forgedTokens: readonly (readonly [string, string])[] = [
  ['for another audience', cluster.rs256({ ...claims, aud: ['vault'] })],
  ['of another issuer', cluster.rs256({ ...claims, iss: 'https://elsewhere' })],
  ['that expired', cluster.rs256({ ...claims, exp: nowSeconds - 61 })],
  ['of an unknown key', cluster.rs256(claims, 'k9')],
  ['signed by another key', cluster.rs256(claims, 'k1', makeRsa())],
  ['with algorithm none', cluster.mint(claims, { alg: 'none' }, () => Buffer.alloc(0))],
  [
    'that brings its own key',
    cluster.mint(claims, { alg: 'RS256', kid: 'k1', jwk: ownKey.jwk }, (text) =>
      sign('sha256', Buffer.from(text), ownKey.privateKey),
    ),
  ],
  [
    'with the public key as a shared secret (HS256)',
    cluster.mint(claims, { alg: 'HS256', kid: 'k1' }, (text) =>
      createHmac('sha256', publicPem).update(text).digest(),
    ),
  ],
  [
    'of another account',
    cluster.rs256({ ...claims, sub: 'system:serviceaccount:default:nodeseal-agent' }),
  ],
];

function makeRsa() {
  const { privateKey } = cluster.newRsa();
  return privateKey;
}

async function fleetOf(t: Parameters<typeof cluster.serveDiscovery>[0], folder: string) {
  const { source } = await cluster.serveDiscovery(t, cluster.discovery());
  const { url, caFile, tokenFile = '' } = source;
  const asked = { tokenReview: false, people: false, nodes: false, pool: 'worker' };
  const kubernetes = { ...cluster.rules, ...asked, url, caFile, tokenFile };
  return await runTlsAggregator(folder, { kubernetes });
}

/** Writers of everything the aggregator has stored. */
async function writers(fleet: TlsAggregator): Promise<readonly string[]> {
  const { body } = await fleet.get('/v1/events');
  return (body as { items: { node: string }[] }).items.map(({ node }) => node);
}

t.test('I6: no report is attributed to another node', async (t) => {
  const folder = t.testdir({ fleet: {}, elsewhere: {} });
  await using fleet = await fleetOf(t, join(folder, 'fleet'));
  const [a, b] = [await fleet.node('node-a'), await fleet.node('node-b')];
  const token = cluster.rs256(claims);

  await t.test('whatever name it gives: the writer is who the credential says', async (t) => {
    const forged = { host: { name: 'node-b', machineId: 'b', bootId: 'b' } };
    for (const [options, expected] of [
      [{ as: a }, 'node-a'],
      [{ token }, cluster.node.name],
    ] as const) {
      const agent = await fleet.agent(options, forged);
      t.match(await agent.next('welcome'), { node: expected });
      agent.send({ type: 'events', epoch: 'epoch-1', items: [event(1)] });
      await agent.next('ack');
      agent.close();
      await agent.closed;
    }
    t.same([...(await writers(fleet))].sort(), ['node-a', cluster.node.name].sort());
  });

  const foreign = await NodeCa.open(join(folder, 'elsewhere'), systemClock);
  const impostor = ecKey();
  const own = readFileSync(join(fleet.stateDir, 'node-ca/ca.crt'), 'utf8');
  const spki = makeKey();
  const issuedBy = (ca: NodeCa, uid: string, lifeMs: number): TestNode => {
    const key = ecKey();
    const der = key.publicKey.export({ format: 'der', type: 'spki' });
    const text = ca.issue(der, uid, lifeMs).pem;
    return { key: key.privateKey, pem: text, x509: new X509Certificate(text), uid };
  };
  const lookalike = (): TestNode => {
    const x509 = new X509Certificate(own);
    const text = pem(
      certificate({
        key: impostor,
        signer: impostor,
        issuer: x509.subject.replace('CN=', ''),
        subject: b.uid,
        extensions: [
          subjectAltName([generalName.uri(`urn:uuid:${b.uid}`)]),
          extendedKeyUsage(CLIENT_AUTH),
        ],
      }),
    );
    return { key: impostor.privateKey, pem: text, x509: new X509Certificate(text), uid: b.uid };
  };

  /** Issued by a node, with its own certificate behind it. */
  const belowNode = (): TestNode => {
    const key = ecKey();
    const signer = { publicKey: createPublicKey(a.key), privateKey: a.key, pem: '' };
    const text = pem(
      certificate({
        key,
        signer,
        issuer: a.uid,
        subject: b.uid,
        extensions: [
          subjectAltName([generalName.uri(`urn:uuid:${b.uid}`)]),
          extendedKeyUsage(CLIENT_AUTH),
        ],
      }),
    );
    return { key: key.privateKey, pem: text + a.pem, x509: new X509Certificate(text), uid: b.uid };
  };

  await t.test('nor by a certificate of another authority, whatever name is in it', async (t) => {
    for (const [name, node] of [
      ['of a node that takes itself for one', belowNode()],
      ['of another aggregator', issuedBy(foreign, b.uid, DAY_MS)],
      ['signed by itself in the name of ours', lookalike()],
    ] as const) {
      const agent = await fleet.agent({ as: node });
      t.equal(agent.refused, 401, name);
      const beside = await fleet.agent({ as: node, token: fleet.running.agentToken });
      t.match(await beside.next('welcome'), { node: 'node-1' }, 'and says nothing beside a token');
      beside.close();
      await beside.closed;
    }
  });

  await t.test('nor by the certificate of another without its key', async (t) => {
    const stolen = { key: spki, pem: b.pem };
    await t.rejects(fleet.get('/v1/nodes', { token: null, as: stolen }), /key values mismatch/);
  });

  await t.test('nor by the certificate of one node with the token of another', async (t) => {
    for (const [as, other] of [
      [a, token],
      [b, fleet.running.agentToken],
      [a, fleet.running.adminToken],
    ] as const) {
      const agent = await fleet.agent({ as, token: other });
      t.equal(agent.refused, 401);
    }
  });

  await t.test('nor by a fresh token of another node on an open connection', async (t) => {
    const spool = { epoch: 'epoch-1', first: 1, next: 3, bytes: 0, lost: 0 };
    const agent = await fleet.agent({ as: a }, { spool });
    await agent.next('welcome');
    agent.send({ type: 'authenticate', token });
    t.match(await agent.next('error'), { code: 'authenticate', keepIdentity: true });
    agent.send({ type: 'events', epoch: 'epoch-1', items: [event(2)] });
    await agent.next('ack');
    agent.close();
    await agent.closed;
    t.same(
      (await writers(fleet)).filter((name) => name === 'node-b'),
      [],
    );
  });

  for (const [name, forged] of forgedTokens) {
    await t.test(`nor by a token ${name}`, async (t) => {
      const agent = await fleet.agent({ token: forged });
      t.ok(agent.refused === 401 || agent.refused === 429, String(agent.refused));
      t.same(agent.frames, []);
    });
  }

  await t.test('and who fails often is slowed down, not the others', async (t) => {
    let refused: number | undefined;
    for (let attempt = 0; attempt < 30 && refused !== 429; attempt++) {
      refused = (await fleet.agent({ token: `nsa_0123456789abcdef.${'x'.repeat(43)}` })).refused;
    }
    t.equal(refused, 429);
    const agent = await fleet.agent({ as: b });
    t.match(await agent.next('welcome'), { node: 'node-b' });
    agent.close();
    await agent.closed;
  });
});

t.test('I14: expiry ends authority', async (t) => {
  const folder = t.testdir();
  const limits = {
    handshakes: 64,
    handshakesPerSource: 64,
    heartbeatSeconds: 20,
    silentSeconds: 50,
    helloSeconds: 5,
  };
  // Certificates of two seconds.
  const enrolment = { approval: false, certificateDays: 2.5 / 86_400 };
  await using fleet = await runTlsAggregator(folder, { enrolment, limits });
  const node = await fleet.node('node-a');
  const agent = await fleet.agent({ as: node });
  t.match(await agent.next('welcome'), { authenticatedUntilMs: node.x509.validToDate.getTime() });
  t.equal(await agent.closed, 4001, 'the connection ends with the certificate');
  t.ok(Date.now() >= node.x509.validToDate.getTime());
  const late = await fleet.agent({ as: node });
  t.equal(await late.closed, 4001, 'and nothing is accepted by it any more');
  t.same(late.frames, []);
  const csr = certificateRequest(makeKey());
  t.match(await fleet.post('/v1/renew', { csr }, { token: null, as: node }), {
    status: 401,
    body: { code: 'certificateExpired' },
  });
  const uses = { token: null } as const;
  t.match(
    await fleet.post('/v1/enroll', { token: fleet.joinToken, name: 'node-a', csr }, uses),
    { status: 409 },
    'a join token does not give the name to another key',
  );
  const body = { token: fleet.joinToken, name: 'node-a', csr: certificateRequest(node.key) };
  t.match(
    await fleet.post('/v1/enroll', body, uses),
    { status: 200, body: { uid: node.uid } },
    'only to the same: it stays the same node',
  );
});

t.test('I14: revocation cuts a live session within 5 s', async (t) => {
  const folder = t.testdir();
  await using fleet = await fleetOf(t, folder);
  const node = await fleet.node('node-a');
  const token = cluster.rs256(claims);
  const cases = [
    ['with a certificate', { as: node }, 'node-a'],
    ['with a token of the aggregator', { token: fleet.running.agentToken }, 'node-1'],
    ['with a token of its cluster', { token }, cluster.node.name],
  ] as const;
  for (const [name, options, nodeName] of cases) {
    await t.test(`of a node ${name}`, async (t) => {
      const agent = await fleet.agent(options);
      await agent.next('welcome');
      const startMs = Date.now();
      t.match(await fleet.post(`/v1/nodes/${nodeName}/revoke`, undefined), {
        status: 200,
        body: { state: 'revoked' },
      });
      t.equal(await agent.closed, 4003);
      t.ok(Date.now() - startMs < 5000);
      const again = await fleet.agent(options);
      t.equal(await again.closed, 4003, 'and does not let it in again');
      t.match(await fleet.post(`/v1/nodes/${nodeName}/approve`, undefined), { status: 200 });
      const back = await fleet.agent(options);
      t.match(await back.next('welcome'), { node: nodeName }, 'until it is taken back');
      back.close();
      await back.closed;
    });
  }

  await t.test('by the serial number of a certificate', async (t) => {
    const agent = await fleet.agent({ as: node });
    await agent.next('welcome');
    const serial = node.x509.serialNumber.toLowerCase();
    t.match(await fleet.post('/v1/nodes/node-a/revoke', { serial }), { status: 200 });
    t.equal(await agent.closed, 4003);
    t.match(await fleet.post('/v1/nodes/node-a/revoke', { serial: 'x' }), { status: 400 });
  });

  await t.test('by hand, in the deny list of the state directory', async (t) => {
    const other = await fleet.node('node-c');
    const agent = await fleet.agent({ as: other });
    await agent.next('welcome');
    const at = new Date().toISOString();
    const entry = { kind: 'uid', value: other.uid, name: 'node-c', at, by: 'root' };
    const startMs = Date.now();
    writeFileSync(join(fleet.stateDir, 'denied.json'), JSON.stringify([entry]));
    t.equal(await agent.closed, 4003);
    t.ok(Date.now() - startMs < 5000);
  });

  await t.test('and a node that was retired is unknown: it may enrol again', async (t) => {
    const other = await fleet.node('node-d');
    const agent = await fleet.agent({ as: other });
    await agent.next('welcome');
    t.match(await fleet.post('/v1/nodes/node-d/retire', undefined), { status: 200 });
    t.equal(await agent.closed, 4005);
    const again = await fleet.agent({ as: other });
    t.equal(await again.closed, 4005);
    t.not((await fleet.node('node-d')).uid, other.uid, 'as a new one');
  });
});
