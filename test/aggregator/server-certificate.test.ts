import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import t from 'tap';
import { CLOSE } from '../../shared/protocol.ts';
import { event } from '../support/agent-client.ts';
import { ecKey } from '../support/certificates.ts';
import { runTlsAggregator, type TlsAggregator } from '../support/tls-aggregator.ts';
import { tlsAuthority } from '../support/tls-authority.ts';

t.setTimeout(60_000);

/** The certificate that a server shows to who connects now, as it stands in a file. */
async function shown({ running }: TlsAggregator): Promise<string> {
  const { port } = new URL(running.url);
  const socket = connect({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const certificate = socket.getPeerX509Certificate();
  socket.destroy();
  return certificate?.serialNumber + String(certificate?.fingerprint256);
}

function printed(pem: string): string {
  const { serialNumber, fingerprint256 } = new X509Certificate(pem);
  return serialNumber + fingerprint256;
}

t.test('the server follows its certificate', async (t) => {
  const folder = t.testdir({});
  await using fleet = await runTlsAggregator(folder);
  const node = await fleet.node('edge-1');
  const agent = await fleet.agent({ as: node });
  await agent.next('welcome');
  const { lines } = fleet.running.log;
  const says = async (words: RegExp): Promise<void> => {
    while (!lines.some((line) => words.test(line))) await shown(fleet);
  };
  const check = async (): Promise<object | undefined> => {
    const { body, status } = await fleet.get('/readyz?verbose', { token: null });
    t.equal(status, 200, 'a bad file keeps nobody away');
    const { checks } = body as { checks: readonly { readonly name: string }[] };
    return checks.find(({ name }) => name === 'certificate');
  };
  const first = fleet.authority.server.cert;
  t.equal(await shown(fleet), printed(first));
  t.strictSame(await check(), { name: 'certificate', ok: true, required: false });

  // Half of a change, or a wrong one.
  writeFileSync(
    join(folder, 'tls.key'),
    ecKey().privateKey.export({ format: 'pem', type: 'pkcs8' }),
  );
  await says(/^new server certificate cannot be used: the old one stays .*tls\.key/);
  t.equal(await shown(fleet), printed(first));
  t.match(await check(), { ok: false, required: false, reason: /tls\.key/ });

  const next = tlsAuthority('next');
  writeFileSync(join(folder, 'tls.crt'), `${next.server.cert}${next.ca}`);
  writeFileSync(join(folder, 'tls.key'), next.server.key);
  await says(/^the server shows a new certificate/);
  t.equal(await shown(fleet), printed(next.server.cert));
  t.equal(lines.filter((line) => /cannot be used/.test(line)).length <= 2, true, 'said once each');

  agent.send({ type: 'events', epoch: 'epoch-1', items: [event(1)] });
  t.match(await agent.next('ack'), { sequence: 1 }, 'who was connected stays so');
  agent.close();
  await agent.closed;

  const { body: metrics } = await fleet.get('/metrics', { ca: next.ca });
  const until = new X509Certificate(next.server.cert).validToDate.getTime() / 1000;
  const gauge = 'nodeseal_server_certificate_expiry_timestamp_seconds';
  t.match(metrics, `${gauge} ${until}\n`, 'its end is a metric');
  await t.test('and still asks nodes for theirs', async (t) => {
    const again = await fleet.agent({ as: node, ca: next.ca });
    t.match(await again.next('welcome'), { node: 'edge-1' });
    const token = { token: fleet.running.adminToken, ca: next.ca };
    t.match(await fleet.post('/v1/nodes/edge-1/revoke', undefined, token), { status: 200 });
    t.equal(await again.closed, CLOSE.revoked);
    const { body } = await fleet.post('/v1/tokens', { kind: 'join', name: 'later' }, token);
    const [pin] = fleet.joinToken.split('@').slice(1);
    t.notMatch(body, { token: new RegExp(`${pin}$`) }, 'join tokens name the new authority');
    t.match(body, { token: /@sha256:[0-9a-f]{64}$/ });
  });
});
