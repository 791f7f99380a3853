import { once } from 'node:events';
import { mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { AggregatorLink } from '../../agent/config.ts';
import { enrolIfNew, trustOf } from '../../agent/enrol.ts';
import { runAggregator } from '../support/aggregator.ts';

function linkTo(t: Test, url: string, joinToken: string): AggregatorLink {
  const folder = t.testdir({ join: `${joinToken}\n` });
  const joinTokenFile = join(folder, 'join');
  return { url, joinTokenFile, tokenFile: join(folder, 'agent.token'), allowPlain: false };
}

async function fleet(t: Test) {
  const stateDir = t.testdir();
  const running = await runAggregator(stateDir);
  t.teardown(() => running[Symbol.asyncDispose]());
  const joinFile = running.aggregator.tokenFiles.join;
  return { running, joinToken: readFileSync(joinFile, 'utf8').trim() };
}

t.test('a new node gets a credential of its own, once', async (t) => {
  await t.test('in its state directory, for nobody else to read', async (t) => {
    const { running, joinToken } = await fleet(t);
    await t.test('by the join token', async (t) => {
      const link = linkTo(t, running.url, joinToken);
      await enrolIfNew(link, 'rhel-17');
      const token = readFileSync(link.tokenFile, 'utf8').trim();
      t.equal(statSync(link.tokenFile).mode & 0o777, 0o600);
      t.not(token, joinToken);
      const { body } = await running.get('/v1/nodes/rhel-17');
      t.match(body, { node: { name: 'rhel-17', state: 'expected' } });
      await enrolIfNew(link, 'rhel-17');
      t.equal(readFileSync(link.tokenFile, 'utf8').trim(), token, 'and keeps it');
    });
    await t.test('and nobody takes its name', async (t) => {
      const link = linkTo(t, running.url, joinToken);
      await t.rejects(enrolIfNew(link, 'rhel-17'), {
        code: 'ERR_ENROL_REFUSED',
        message: /rhel-17/,
      });
      t.throws(() => statSync(link.tokenFile), { code: 'ENOENT' });
    });
  });
});

t.test('a node without a join token is left as it is', async (t) => {
  const folder = t.testdir();
  const tokenFile = join(folder, 'agent.token');
  await enrolIfNew({ url: 'http://127.0.0.1:1', tokenFile, allowPlain: false }, 'a');
  t.throws(() => statSync(tokenFile), { code: 'ENOENT' });
});

t.test('where what was pinned cannot be read, nobody is trusted in its place', async (t) => {
  const link = linkTo(t, 'https://127.0.0.1:1', 'join-token');
  t.same(await trustOf(link), {}, 'nothing was pinned');
  const pinned = join(link.tokenFile, '../aggregator-ca.crt');
  mkdirSync(pinned);
  await t.rejects(trustOf(link), { code: 'ERR_CREDENTIAL_FILE', message: /aggregator-ca\.crt/ });
  rmdirSync(pinned);
  writeFileSync(pinned, 'PEM');
  t.match(await trustOf(link), { ca: 'PEM' });
});

t.test('a join token that is wrong, empty or missing gives no credential', async (t) => {
  const { running } = await fleet(t);
  const wrong = `nsj_0123456789abcdef.${'x'.repeat(43)}`;
  await t.test('wrong', async (t) => {
    const link = linkTo(t, running.url, wrong);
    const message = /refused to enrol rhel-18: not a join token, or one that was revoked/;
    await t.rejects(enrolIfNew(link, 'rhel-18'), { code: 'ERR_ENROL_REFUSED', message });
  });
  await t.test('empty', async (t) => {
    await t.rejects(enrolIfNew(linkTo(t, running.url, ''), 'rhel-18'), { code: 'ERR_ENROL_TOKEN' });
  });
  await t.test('missing', async (t) => {
    const link = { ...linkTo(t, running.url, wrong), joinTokenFile: '/no/such/file' };
    await t.rejects(enrolIfNew(link, 'rhel-18'), { code: 'ENOENT' });
  });
});

t.test('a question that is given up leaves the node without a credential', async (t) => {
  const stop = new AbortController();
  const server = createServer(() => stop.abort());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const link = linkTo(t, `http://127.0.0.1:${port}`, 'join-token');
  await t.rejects(enrolIfNew(link, 'a', stop.signal), { message: /abort/ });
  t.throws(() => statSync(link.tokenFile), { code: 'ENOENT' });
});

const answers: readonly (readonly [string, number, string, string])[] = [
  ['rubbish', 200, '<html>', 'ERR_ENROL_ANSWER'],
  ['no token', 201, '{"token":1}', 'ERR_ENROL_ANSWER'],
  ['a token with a line feed', 201, '{"token":"aaaaaaaaaaaaaaaa\\nb"}', 'ERR_ENROL_ANSWER'],
  ['without end', 201, ' '.repeat(1_000_000), 'ERR_ENROL_ANSWER'],
  ['an error page', 502, '<html>', 'ERR_ENROL_REFUSED'],
];
for (const [name, status, body, code] of answers) {
  t.test(`a server that answers ${name} leaves the node without a credential`, async (t) => {
    const server = createServer((_, response) => response.writeHead(status).end(body));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => server.close());
    const { port } = server.address() as AddressInfo;
    const link = linkTo(t, `http://127.0.0.1:${port}`, 'join-token');
    await t.rejects(enrolIfNew(link, 'a'), { code });
    t.throws(() => statSync(link.tokenFile), { code: 'ENOENT' });
    writeFileSync(link.tokenFile, 'a later token');
    await enrolIfNew(link, 'a');
    t.equal(readFileSync(link.tokenFile, 'utf8'), 'a later token', 'and one that is there stays');
  });
}
