import { rmSync, statSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { IssuerKeyring } from '../../../aggregator/identity/issuer-keys.ts';
import {
  type Answers,
  discovery,
  ISSUER,
  keys,
  serveDiscovery as serve,
  stillClock,
} from '../../support/cluster.ts';

const good = discovery();

t.test(
  'the keys of an API server are fetched with our credential and kept for when it is away',
  async (t) => {
    const { source, seen, server } = await serve(t, { ...good });
    const keyring = new IssuerKeyring(source, stillClock());
    t.same(await keyring.keys(), { issuer: ISSUER, keys });
    t.same(seen, [
      '/.well-known/openid-configuration Bearer secret-token',
      '/openid/v1/jwks Bearer secret-token',
    ]);
    await keyring.keys();
    t.equal(seen.length, 2, 'asked once, not at every token');
    t.equal(statSync(source.cacheFile).mode & 0o777, 0o600);
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
    const afterRestart = new IssuerKeyring(source, stillClock());
    t.same(await afterRestart.keys(), { issuer: ISSUER, keys }, 'from the file');
  },
);

t.test('an unknown key makes the keyring ask again, at most every 30 s', async (t) => {
  const { source, seen } = await serve(t, { ...good });
  const clock = stillClock();
  const keyring = new IssuerKeyring(source, clock);
  await keyring.keys();
  t.equal(await keyring.refresh(), false, 'just asked');
  clock.monotonic = 30_000;
  t.equal(await keyring.refresh(), true);
  t.equal(seen.length, 4);
});

const bad: readonly (readonly [string, Answers, RegExp])[] = [
  [
    'refuses us',
    { '/.well-known/openid-configuration': { status: 403, body: '{}' } },
    /expected status 200, found 403/,
  ],
  ['answers rubbish', { ...good, '/openid/v1/jwks': { body: '<html>' } }, /expected JSON/],
  ['has no keys', { ...good, '/openid/v1/jwks': { body: '{"keys":[]}' } }, /no token-signing keys/],
  [
    'has no issuer',
    { ...good, '/.well-known/openid-configuration': { body: '{}' } },
    /no token-signing keys/,
  ],
  [
    'sends without end',
    { ...good, '/openid/v1/jwks': { body: 'x'.repeat(2_000_000) } },
    /more than 1048576 bytes/,
  ],
];
for (const [name, answers, message] of bad) {
  t.test(`an API server that ${name} gives no keys, and says why`, async (t) => {
    const { source } = await serve(t, answers);
    await t.rejects(new IssuerKeyring(source, stillClock()).keys(), {
      code: 'ERR_ISSUER_KEYS',
      message,
    });
  });
}

t.test(
  'an API server whose answer drips is given up, and the keys kept from before hold',
  async (t) => {
    const { source, server } = await serve(t, { ...good });
    await new IssuerKeyring(source, stillClock()).keys();
    server.removeAllListeners('request');
    server.on('request', (_, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write(' '), 10);
      response.once('close', () => clearInterval(drip));
    });
    const hasty = { ...source, timeoutMs: 300 };
    t.same(await new IssuerKeyring(hasty, stillClock()).keys(), { issuer: ISSUER, keys });
    rmSync(source.cacheFile);
    await t.rejects(new IssuerKeyring(hasty, stillClock()).keys(), {
      code: 'ERR_ISSUER_KEYS',
      message: /timeout|aborted/,
    });
  },
);

t.test('an answer that leads elsewhere is not followed', async (t) => {
  const elsewhere = await serve(t, { ...good });
  const { source, server, seen } = await serve(t, {});
  server.removeAllListeners('request');
  server.on('request', (request, response) => {
    seen.push(request.url ?? '');
    response.writeHead(302, { location: `${elsewhere.source.url}${request.url}` }).end();
  });
  await t.rejects(new IssuerKeyring(source, stillClock()).keys(), { message: /found 302/ });
  t.equal(seen.length, 1);
  t.same(elsewhere.seen, [], 'our credential goes nowhere else');
});

t.test('a server whose certificate is not of our CA gives no keys', async (t) => {
  const { source } = await serve(t, { ...good });
  const other = await serve(t, { ...good });
  const caFile = other.source.caFile;
  // Both certificates say the same names, only the keys differ.
  await t.rejects(new IssuerKeyring({ ...source, caFile }, stillClock()).keys(), {
    code: 'ERR_ISSUER_KEYS',
  });
});

t.test('a damaged cache is no cache', async (t) => {
  const { source } = await serve(t, {});
  writeFileSync(source.cacheFile, '{"issuer":"https://issuer","keys":');
  await t.rejects(new IssuerKeyring(source, stillClock()).keys(), { code: 'ERR_ISSUER_KEYS' });
});
