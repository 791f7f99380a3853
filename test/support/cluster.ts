import { execFileSync } from 'node:child_process';
import {
  generateKeyPairSync,
  type KeyObject,
  type KeyPairKeyObjectResult,
  randomUUID,
  sign,
} from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { JSONWebKeySet } from 'jose';
import type { Test } from 'tap';
import type { ServedKeys } from '../../aggregator/identity/issuer-keys.ts';

/** The token-signing side of a Kubernetes cluster: real keys, real tokens, real TLS; only the cluster is missing. */
export type Claims = Readonly<Record<string, unknown>>;
export type Answers = Record<string, { status?: number; body: string }>;

export const NOW_MS: number = Date.parse('2026-11-21T12:00:00Z');
const nowSeconds = NOW_MS / 1000;
export const ISSUER = 'https://kubernetes.default.svc' as const;
export const rules = {
  audience: 'nodeseal-aggregator',
  serviceAccount: 'nodeseal/nodeseal-agent',
} as const;

/** A key pair that no key set has. */
export function newRsa(): KeyPairKeyObjectResult {
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
}
export const rsa: KeyPairKeyObjectResult = newRsa();
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const keys = {
  keys: [
    { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig' },
    { ...ec.publicKey.export({ format: 'jwk' }), kid: 'k2', use: 'sig' },
  ],
} as JSONWebKeySet;

export const node = { name: 'worker-3', uid: '7b1e0000-0000-4000-8000-000000000001' } as const;
export const good: Claims = {
  iss: ISSUER,
  aud: [rules.audience],
  sub: 'system:serviceaccount:nodeseal:nodeseal-agent',
  iat: nowSeconds - 60,
  nbf: nowSeconds - 60,
  exp: nowSeconds + 3600,
  jti: randomUUID(),
  'kubernetes.io': { namespace: 'nodeseal', node, pod: { name: 'agent-x', uid: 'pod-uid' } },
};

const base64url = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString('base64url');

export function mint(claims: Claims, header: Claims, signer: (text: string) => Buffer): string {
  const text = `${base64url({ typ: 'JWT', ...header })}.${base64url(claims)}`;
  return `${text}.${signer(text).toString('base64url')}`;
}
export function rs256(claims: Claims, kid = 'k1', key: KeyObject = rsa.privateKey): string {
  return mint(claims, { alg: 'RS256', kid }, (text) => sign('sha256', Buffer.from(text), key));
}
export function es256(claims: Claims): string {
  const key = { key: ec.privateKey, dsaEncoding: 'ieee-p1363' } as const;
  return mint(claims, { alg: 'ES256', kid: 'k2' }, (text) =>
    sign('sha256', Buffer.from(text), key),
  );
}

/** What the API server says at its two discovery addresses. */
export function discovery(keySet: JSONWebKeySet = keys): Answers {
  const document = { issuer: ISSUER, jwks_uri: 'https://elsewhere/jwks' };
  return {
    '/.well-known/openid-configuration': { body: JSON.stringify(document) },
    '/openid/v1/jwks': { body: JSON.stringify(keySet) },
  };
}

export interface DiscoveryServer {
  readonly source: ServedKeys;
  /** `path authorization` of each request. */
  readonly seen: string[];
  readonly server: Server;
  /** May be changed while it runs. */
  readonly answers: Answers;
}

/** An API server's discovery documents over real TLS on loopback. */
export async function serveDiscovery(t: Test, answers: Answers): Promise<DiscoveryServer> {
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

/** A clock that stands still until it is moved. */
export interface StillClock {
  monotonic: number;
  nowMs(): number;
  monotonicMs(): number;
}
export function stillClock(): StillClock {
  return {
    monotonic: 0,
    nowMs: () => NOW_MS,
    monotonicMs(): number {
      return this.monotonic;
    },
  };
}
