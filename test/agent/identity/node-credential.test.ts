// One piece: a real agent with its key file, through every stage of the life of a credential.
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createServer } from 'node:tls';
import t from 'tap';
import type { AggregatorLink } from '../../../agent/config.ts';
import { NodeState } from '../../../agent/node-state.ts';
import { Spool } from '../../../agent/spool.ts';
import { CommandAnswers } from '../../../agent/uplink/commands.ts';
import { Uplink } from '../../../agent/uplink.ts';
import { systemClock } from '../../../shared/clock.ts';
import { keptLog, runAggregator } from '../../support/aggregator.ts';
import { ecKey } from '../../support/certificates.ts';
import { runTlsAggregator, type TlsAggregator } from '../../support/tls-aggregator.ts';
import { tlsAuthority } from '../../support/tls-authority.ts';

const FAST = {
  limits: {
    handshakes: 64,
    handshakesPerSource: 64,
    heartbeatSeconds: 0.1,
    silentSeconds: 50,
    helloSeconds: 5,
  },
} as const;
const SECOND_IN_DAYS = 1 / 86_400;

interface Node extends AsyncDisposable {
  readonly uplink: Uplink;
  readonly file: string;
  readonly log: ReturnType<typeof keptLog>;
  /** Resolves when the log has a line with this text, also one from before. */
  said(text: string): Promise<void>;
  connected(): Promise<void>;
}

/** The agent's end with nothing but what it needs to connect. */
async function nodeOf(
  folder: string,
  fleet: { readonly url: string; readonly joinToken?: string },
  change: Partial<AggregatorLink> = {},
): Promise<Node> {
  mkdirSync(folder, { recursive: true });
  const joinTokenFile = join(folder, 'join.token');
  if (fleet.joinToken !== undefined) writeFileSync(joinTokenFile, `${fleet.joinToken}\n`);
  const file = join(folder, 'node.pem');
  const log = keptLog();
  const parts = new AsyncDisposableStack();
  const spool = parts.use(await Spool.open({ folder: join(folder, 'spool'), clock: systemClock }));
  const uplink = parts.use(
    new Uplink({
      aggregator: {
        url: fleet.url,
        tokenFile: join(folder, 'agent.token'),
        certificateFile: file,
        allowPlain: false,
        ...(fleet.joinToken === undefined ? {} : { joinTokenFile }),
        ...change,
      },
      spool,
      state: new NodeState(),
      held: new Map(),
      commands: new CommandAnswers({}),
      clock: systemClock,
      random: () => 0.01,
      log,
      version: '0.1.0',
      host: { name: 'rhel-17', machineId: 'm', bootId: 'b' },
      conditions: () => [],
    }),
  );
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await delay(10);
  };
  return {
    uplink,
    file,
    log,
    said: (text) => until(() => log.lines.some((line) => line.includes(text))),
    connected: () => until(() => uplink.session !== undefined),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

const of = ({ running, joinToken }: TlsAggregator) => ({ url: running.url, joinToken });
const certificateIn = (file: string): X509Certificate => new X509Certificate(readFileSync(file));
const uidIn = (file: string): string => certificateIn(file).subjectAltName ?? '';

t.test('a new node gets a certificate by nothing but the join token', async (t) => {
  const folder = t.testdir();
  await using fleet = await runTlsAggregator(join(folder, 'a'));
  await using node = await nodeOf(join(folder, 'n'), of(fleet));
  await node.connected();
  t.equal(statSync(node.file).mode & 0o777, 0o600);
  t.match(readFileSync(node.file, 'utf8'), /^-----BEGIN PRIVATE KEY-----[\s\S]*BEGIN CERTIFICATE/);
  t.equal(
    readFileSync(join(folder, 'n/aggregator-ca.crt'), 'utf8').trim(),
    fleet.authority.ca.trim(),
    'it trusts the key that the token pins from then on',
  );
  t.notOk(existsSync(join(folder, 'n/agent.token')));
  t.match((await fleet.get('/v1/nodes/rhel-17')).body, { node: { state: 'online' } });
  const held = readFileSync(node.file, 'utf8');
  await node[Symbol.asyncDispose]();
  rmSync(join(folder, 'n/join.token'));
  await using again = await nodeOf(join(folder, 'n'), { url: fleet.running.url });
  await again.connected();
  t.equal(readFileSync(node.file, 'utf8'), held, 'and needs the join token no more');
});

t.test('a join token is not sent to who has not the key it pins', async (t) => {
  const folder = t.testdir();
  await using fleet = await runTlsAggregator(join(folder, 'a'));
  await using other = await runTlsAggregator(join(folder, 'b'));
  await using node = await nodeOf(join(folder, 'n'), {
    url: other.running.url,
    joinToken: fleet.joinToken,
  });
  await node.said('none of its certificates has the key that the join token names');
  t.equal(node.uplink.session, undefined);
  t.same((await other.get('/v1/enrolments')).body, {
    apiVersion: 'nodeseal.dev/v1',
    kind: 'EnrolmentList',
    items: [],
  });
  t.match(readFileSync(node.file, 'utf8'), /PRIVATE KEY/, 'its key waits for the right one');
  const audit = (await other.get('/v1/audit')).body as { items: { what: string }[] };
  t.notOk(audit.items.some(({ what }) => what.includes('enroll')));
});

t.test('a certificate is renewed before it ends, and the connection goes on', async (t) => {
  const folder = t.testdir();
  const enrolment = { approval: false, certificateDays: 6 * SECOND_IN_DAYS };
  await using fleet = await runTlsAggregator(join(folder, 'a'), { enrolment, ...FAST });
  await using node = await nodeOf(join(folder, 'n'), of(fleet));
  await node.connected();
  const first = certificateIn(node.file);
  await node.said('new certificate is in use');
  const second = certificateIn(node.file);
  t.not(second.serialNumber, first.serialNumber);
  t.equal(uidIn(node.file), first.subjectAltName, 'it is the same node');
  t.not(
    second.publicKey.export({ type: 'spki', format: 'der' }).toString('hex'),
    first.publicKey.export({ type: 'spki', format: 'der' }).toString('hex'),
    'with another key',
  );
  t.ok(Date.now() < first.validToDate.getTime(), 'in time');
  t.notOk(existsSync(`${node.file}.new`));
  t.notOk(node.log.lines.some((line) => line.includes('the credential expired')));
});

t.test('new key material that is refused leaves the old in force', async (t) => {
  const folder = t.testdir();
  await using fleet = await runTlsAggregator(join(folder, 'a'));
  const path = join(folder, 'n');
  await using node = await nodeOf(path, of(fleet));
  await node.connected();
  const held = readFileSync(node.file, 'utf8');
  await node[Symbol.asyncDispose]();
  const foreign = await runTlsAggregator(join(folder, 'b'));
  const impostor = await foreign.node('rhel-17');
  await foreign[Symbol.asyncDispose]();
  const key = impostor.key.export({ format: 'pem', type: 'pkcs8' }).toString();
  const trials = [`${key}${impostor.pem}`, 'rubbish', `${ecKey().pem}${impostor.pem}`];
  for (const trial of trials) {
    writeFileSync(`${node.file}.new`, trial);
    await using again = await nodeOf(path, of(fleet));
    await again.connected();
    t.equal(readFileSync(node.file, 'utf8'), held);
  }
});

t.test('a revoked node keeps its key, and is back when that is taken back', async (t) => {
  const folder = t.testdir();
  await using fleet = await runTlsAggregator(join(folder, 'a'));
  await using node = await nodeOf(join(folder, 'n'), of(fleet));
  await node.connected();
  const held = readFileSync(node.file, 'utf8');
  await fleet.post('/v1/nodes/rhel-17/revoke', undefined);
  await node.said('the credential was revoked');
  t.equal(readFileSync(node.file, 'utf8'), held);
  await fleet.post('/v1/nodes/rhel-17/approve', undefined);
  await node.connected();
  t.equal(readFileSync(node.file, 'utf8'), held);
});

t.test('a node that the aggregator does not know any more', async (t) => {
  const folder = t.testdir();
  await using fleet = await runTlsAggregator(join(folder, 'a'));
  await t.test('enrols again with the join token, as a new one', async (t) => {
    await using node = await nodeOf(join(folder, 'n'), of(fleet));
    await node.connected();
    const before = uidIn(node.file);
    await fleet.post('/v1/nodes/rhel-17/retire', undefined);
    await node.said('new certificate is in use');
    t.not(uidIn(node.file), before);
    await node.connected();
    t.match((await fleet.get('/v1/nodes/rhel-17')).body, { node: { state: 'online' } });
  });
  await t.test('without one keeps its key and goes on asking', async (t) => {
    const held = readFileSync(join(folder, 'n/node.pem'), 'utf8');
    await using node = await nodeOf(join(folder, 'n'), { url: fleet.running.url });
    await node.connected();
    await fleet.post('/v1/nodes/rhel-17/retire', undefined);
    await node.said('no joinTokenFile is configured');
    t.equal(readFileSync(node.file, 'utf8'), held);
  });
});

t.test('a node that was away until its certificate ended', async (t) => {
  const folder = t.testdir();
  const enrolment = { approval: false, certificateDays: SECOND_IN_DAYS };
  await using fleet = await runTlsAggregator(join(folder, 'a'), { enrolment });
  const path = join(folder, 'n');
  {
    await using node = await nodeOf(path, of(fleet));
    await node.connected();
  }
  const first = certificateIn(join(path, 'node.pem'));
  while (Date.now() < first.validToDate.getTime()) await delay(20);
  await t.test('without a join token keeps what it has', async (t) => {
    const held = readFileSync(join(path, 'node.pem'), 'utf8');
    await using node = await nodeOf(path, { url: fleet.running.url });
    await node.said('the credential expired');
    t.equal(readFileSync(node.file, 'utf8'), held);
  });
  await t.test('is let in as the same node by a join token', async (t) => {
    await using node = await nodeOf(path, of(fleet));
    await node.said('new certificate is in use');
    t.equal(uidIn(node.file), first.subjectAltName);
  });
});

t.test('a node that waits for approval is let in as soon as it is given', async (t) => {
  const folder = t.testdir();
  const enrolment = { approval: true, certificateDays: 14 };
  await using fleet = await runTlsAggregator(join(folder, 'a'), { enrolment });
  const path = join(folder, 'n');
  {
    await using node = await nodeOf(path, of(fleet));
    await node.said('waits for approval: nodeseal node approve rhel-17, key sha256:');
    const { body } = await fleet.get('/v1/enrolments');
    const [{ keySha256 = '' } = {}] = (body as { items: { keySha256: string }[] }).items;
    await node.said(keySha256);
    t.equal(node.uplink.session, undefined);
  }
  const waiting = readFileSync(join(path, 'node.pem'), 'utf8');
  await fleet.post('/v1/nodes/rhel-17/approve', undefined);
  await using node = await nodeOf(path, of(fleet));
  await node.connected();
  t.ok(readFileSync(node.file, 'utf8').startsWith(waiting), 'with the key it had');
});

t.test('behind a proxy that speaks TLS a node gets a token', async (t) => {
  const folder = t.testdir();
  await using running = await runAggregator(join(folder, 'a'));
  const { port } = new URL(running.url);
  const { ca, server: keys } = tlsAuthority();
  const proxy = createServer(keys, (socket) => {
    const inside = connect(Number(port), '127.0.0.1');
    socket.on('error', () => inside.destroy());
    inside.on('error', () => socket.destroy());
    socket.pipe(inside).pipe(socket);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.teardown(() => proxy.close());
  const address = proxy.address();
  const outside = typeof address === 'object' && address !== null ? address.port : 0;
  const caFile = join(folder, 'ca.crt');
  writeFileSync(caFile, ca);
  const joinToken = readFileSync(running.aggregator.tokenFiles.join, 'utf8').trim();
  t.notMatch(joinToken, /@/, 'there is no key to pin');
  await using node = await nodeOf(
    join(folder, 'n'),
    { url: `https://127.0.0.1:${outside}`, joinToken },
    { caFile },
  );
  await node.connected();
  t.match(readFileSync(join(folder, 'n/agent.token'), 'utf8'), /^nsa_/);
  t.match((await running.get('/v1/nodes/rhel-17')).body, { node: { state: 'online' } });
});

t.test('a key file that is damaged is left as it is, and said', async (t) => {
  const folder = t.testdir();
  await using fleet = await runTlsAggregator(join(folder, 'a'));
  const path = join(folder, 'n');
  mkdirSync(path);
  const damaged = ['', 'x', '\0\xff', '-----BEGIN PRIVATE KEY-----\n', 'x'.repeat(100_000)];
  for (const [index, text] of damaged.entries()) {
    writeFileSync(join(path, 'node.pem'), text, 'latin1');
    await using node = await nodeOf(path, of(fleet));
    await node.said('node.pem: expected a private key and its certificate');
    t.equal(readFileSync(node.file, 'latin1'), text, String(index));
  }
  for (const [name, make] of [
    ['a pipe', (at: string) => void execFileSync('mkfifo', [at])],
    ['a device', (at: string) => symlinkSync('/dev/zero', at)],
  ] as const) {
    rmSync(join(path, 'node.pem'));
    make(join(path, 'node.pem'));
    await using node = await nodeOf(path, of(fleet));
    await node.said('node.pem: expected a regular file');
    t.pass(`${name} is not waited for`);
  }
});
