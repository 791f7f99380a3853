import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { certificateRequest, makeKey } from '../../../agent/identity/certificate-request.ts';
import { runTlsAggregator } from '../../support/tls-aggregator.ts';

const DAY_MS = 86_400_000;

t.test('a node that enrols with a key of its own', async (t) => {
  const folder = t.testdir();
  await using fleet = await runTlsAggregator(folder);
  const node = await fleet.node('rhel-17');

  await t.test('gets a certificate that says its uid, for 14 days', async (t) => {
    const { x509, uid } = node;
    t.equal(x509.subjectAltName, `URI:urn:uuid:${uid}`);
    t.equal(x509.ca, false);
    t.same(x509.keyUsage, ['1.3.6.1.5.5.7.3.2'], 'for clients only');
    const lifeMs = x509.validToDate.getTime() - Date.now();
    t.ok(lifeMs > 14 * DAY_MS - 60_000 && lifeMs <= 14 * DAY_MS);
    t.ok(x509.checkPrivateKey(node.key));
  });

  await t.test('of an authority that OpenSSL verifies to the letter', async (t) => {
    const [ca, own] = [join(fleet.stateDir, 'node-ca/ca.crt'), join(folder, 'node.crt')];
    writeFileSync(own, node.pem);
    const verified = execFileSync(
      'openssl',
      ['verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', ca, own],
      { encoding: 'utf8' },
    );
    t.match(verified, /: OK/);
    const asServer = ['verify', '-purpose', 'sslserver', '-CAfile', ca, own];
    t.throws(() => execFileSync('openssl', asServer, { stdio: 'ignore' }));
    for (const path of ['node-ca/ca.key', `nodes/${node.uid}.json`]) {
      t.equal(statSync(join(fleet.stateDir, path)).mode & 0o777, 0o600, path);
    }
    t.equal(statSync(join(fleet.stateDir, 'node-ca')).mode & 0o777, 0o700);
  });

  await t.test('connects with it, on the port where tokens work too', async (t) => {
    const agent = await fleet.agent({ as: node });
    t.match(await agent.next('welcome'), {
      node: 'rhel-17',
      authenticatedUntilMs: node.x509.validToDate.getTime(),
    });
    const other = await fleet.agent({ token: fleet.running.agentToken });
    t.match(await other.next('welcome'), { node: 'node-1', authenticatedUntilMs: null });
    agent.close();
    other.close();
    await Promise.all([agent.closed, other.closed]);
  });

  await t.test('reads nothing with it', async (t) => {
    const asked = await fleet.get('/v1/nodes', { token: null, as: node });
    t.match(asked, { status: 403, body: { code: 'forbidden' } });
  });

  await t.test('renews it by the one it has, for another key', async (t) => {
    const key = makeKey();
    const csr = certificateRequest(key);
    const answer = await fleet.post('/v1/renew', { csr }, { token: null, as: node });
    t.equal(answer.status, 200);
    const { certificate, uid } = answer.body as { certificate: string; uid: string };
    t.equal(uid, node.uid);
    t.ok(new X509Certificate(certificate).checkPrivateKey(key));
    const agent = await fleet.agent({ as: { key, pem: certificate } });
    t.match(await agent.next('welcome'), { node: 'rhel-17' });
    agent.close();
    await agent.closed;
    const cases = [
      ['without a certificate', { token: null }, 401, 'credentialMissing'],
      ['with a token', { token: fleet.running.agentToken }, 403, 'noCertificate'],
      ['as an administrator', {}, 403, 'notAnAgent'],
    ] as const;
    for (const [name, options, status, code] of cases) {
      t.match(await fleet.post('/v1/renew', { csr }, options), { status, body: { code } }, name);
    }
    const broken = await fleet.post('/v1/renew', { csr: 'x' }, { token: null, as: node });
    t.match(broken, { status: 400, body: { code: 'badCertificateRequest' } });
  });
});

t.test('a join token lets in whom it is for, as often as it says, until it ends', async (t) => {
  await using fleet = await runTlsAggregator(t.testdir());
  const create = async (body: object): Promise<{ token: string; item: { id: string } }> =>
    (await fleet.post('/v1/tokens', { kind: 'join', name: 'edge', ...body })).body as {
      token: string;
      item: { id: string };
    };
  const { token } = await create({ uses: 1, names: 'edge-*' });
  t.match(token, /^nsj_[0-9a-f]{16}\.[\w-]{43}@sha256:[0-9a-f]{64}$/);
  t.match(await fleet.enrol('core-1', makeKey(), token), {
    status: 403,
    body: { code: 'nameNotAllowed' },
  });
  const key = makeKey();
  t.match(await fleet.enrol('edge-1', key, token), { status: 200 });
  t.match(await fleet.enrol('edge-2', makeKey(), token), {
    status: 403,
    body: { code: 'joinTokenUsedUp' },
  });
  t.match(
    await fleet.enrol('edge-1', makeKey(), token),
    { status: 409, body: { code: 'nameTaken' } },
    'replayed with another key',
  );
  const again = await fleet.enrol('edge-1', key, token);
  t.equal(again.status, 200, 'an answer that was lost is given again to the same key');
  t.match(await fleet.enrol('node-1'), { status: 409, body: { code: 'nameTaken' } });
  t.match(await fleet.enrol('../x'), { status: 400, body: { code: 'badName' } });
  t.match(await fleet.enrol('edge-3', makeKey(), `nsj_${'0'.repeat(16)}.${'x'.repeat(43)}`), {
    status: 401,
    body: { code: 'joinToken' },
  });
  t.match(await fleet.enrol('edge-3', makeKey(), fleet.running.adminToken), { status: 401 });
  const ending = await create({ ttlSeconds: 1, uses: 10_000 });
  for (let number = 0; ; number++) {
    const { status, body } = await fleet.enrol(`late-${number}`, makeKey(), ending.token);
    if (status === 200) continue;
    t.match({ status, body }, { status: 403, body: { code: 'joinTokenExpired' } });
    break;
  }
});

t.test('an aggregator that asks for approval', async (t) => {
  const folder = t.testdir();
  const enrolment = { approval: true, certificateDays: 14 };
  await using fleet = await runTlsAggregator(folder, { enrolment });
  const key = makeKey();
  const asked = await fleet.enrol('rhel-17', key);
  t.match(asked, { status: 202, body: { kind: 'EnrolmentPending', node: 'rhel-17' } });
  t.match((await fleet.get('/v1/enrolments')).body, {
    items: [
      {
        name: 'rhel-17',
        state: 'pending',
        source: '127.0.0.1',
        keySha256: (asked.body as { keySha256: string }).keySha256,
      },
    ],
  });
  t.match((await fleet.get('/v1/nodes')).body, { coverage: { expected: 1 } }, 'not counted yet');
  t.match(await fleet.enrol('rhel-17', makeKey()), { status: 409 }, 'nobody takes its place');
  t.match(await fleet.enrol('rhel-17', key), { status: 202 });
  t.match(await fleet.post('/v1/enroll', { token: fleet.joinToken, name: 'b' }), {
    status: 403,
    body: { code: 'approvalNeedsKey' },
  });
  t.match(await fleet.post('/v1/nodes/rhel-18/approve', undefined), { status: 404 });
  t.match(await fleet.post('/v1/nodes/rhel-17/approve', undefined), {
    status: 200,
    body: { state: 'approved' },
  });
  const { status, body } = await fleet.enrol('rhel-17', key);
  t.equal(status, 200);
  const agent = await fleet.agent({
    as: { key, pem: (body as { certificate: string }).certificate },
  });
  t.match(await agent.next('welcome'), { node: 'rhel-17' });
  const left = JSON.parse(readFileSync(firstJoinRecord(fleet.stateDir), 'utf8')).usesLeft;
  t.equal(left, 999, 'all of it for one use');
});

function firstJoinRecord(stateDir: string): string {
  const output = execFileSync('grep', [
    '-l',
    '"kind":"join"',
    '-r',
    join(stateDir, 'tokens/records'),
  ]);
  return output.toString().trim();
}
