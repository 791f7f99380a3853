import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { IssuerKeyring } from '../../../aggregator/identity/issuer-keys.ts';

type Answers = Record<string, { status?: number; body: string }>;

const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
const keySet = { keys: [{ ...jwk, kid: 'k1', use: 'sig' }] };
const good: Answers = {
  '/.well-known/openid-configuration': {
    body: JSON.stringify({ issuer: 'https://issuer', jwks_uri: 'https://elsewhere/jwks' }),
  },
  '/openid/v1/jwks': { body: JSON.stringify(keySet) },
};

/** An API server's two discovery documents over real TLS on loopback. */
async function serve(t: Test, answers: Answers) {
  const folder = t.testdir({ token: 'secret-token\n' });
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'ca.crt')];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ],
    { stdio: 'ignore' },
  );
  const seen: string[] = [];
  const server = createServer(
    { key: readFileSync(key), cert: readFileSync(cert) },
    (request, response) => {
      seen.push(`${request.url} ${request.headers.authorization}`);
      const answer = answers[request.url ?? ''] ?? { status: 404, body: '' };
      response.writeHead(answer.status ?? 200).end(answer.body);
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const source = {
    url: `https://localhost:${port}`,
    caFile: cert,
    tokenFile: join(folder, 'token'),
    cacheFile: join(folder, 'keys.json'),
  };
  return { source, seen, server, answers };
}

function clockAt(ms: number) {
  return {
    ms,
    nowMs: () => 0,
    monotonicMs(): number {
      return this.ms;
    },
  };
}

t.test(
  'the keys of an API server are fetched with our credential and kept for when it is away',
  async (t) => {
    const { source, seen, server } = await serve(t, { ...good });
    const keyring = new IssuerKeyring(source, clockAt(0));
    t.same(await keyring.keys(), { issuer: 'https://issuer', keys: keySet });
    t.same(seen, [
      '/.well-known/openid-configuration Bearer secret-token',
      '/openid/v1/jwks Bearer secret-token',
    ]);
    await keyring.keys();
    t.equal(seen.length, 2, 'asked once, not at every token');
    t.equal(statSync(source.cacheFile).mode & 0o777, 0o600);
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
    const afterRestart = new IssuerKeyring(source, clockAt(0));
    t.same(await afterRestart.keys(), { issuer: 'https://issuer', keys: keySet }, 'from the file');
  },
);

t.test('an unknown key makes the keyring ask again, at most every 30 s', async (t) => {
  const { source, seen } = await serve(t, { ...good });
  const clock = clockAt(0);
  const keyring = new IssuerKeyring(source, clock);
  await keyring.keys();
  t.equal(await keyring.refresh(), false, 'just asked');
  clock.ms = 30_000;
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
    /more than 1 MiB/,
  ],
];
for (const [name, answers, message] of bad) {
  t.test(`an API server that ${name} gives no keys, and says why`, async (t) => {
    const { source } = await serve(t, answers);
    await t.rejects(new IssuerKeyring(source, clockAt(0)).keys(), {
      code: 'ERR_ISSUER_KEYS',
      message,
    });
  });
}

t.test('a server whose certificate is not of our CA gives no keys', async (t) => {
  const { source } = await serve(t, { ...good });
  const other = await serve(t, { ...good });
  const caFile = other.source.caFile;
  // Both certificates say the same names, only the keys differ.
  await t.rejects(new IssuerKeyring({ ...source, caFile }, clockAt(0)).keys(), {
    code: 'ERR_ISSUER_KEYS',
  });
});

t.test('a damaged cache is no cache', async (t) => {
  const { source } = await serve(t, {});
  writeFileSync(source.cacheFile, '{"issuer":"https://issuer","keys":');
  await t.rejects(new IssuerKeyring(source, clockAt(0)).keys(), { code: 'ERR_ISSUER_KEYS' });
});
