import { createHmac, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import type { JSONWebKeySet } from 'jose';
import t from 'tap';
import {
  type TokenErrorCode,
  verifyServiceAccountToken,
} from '../../../aggregator/identity/service-account.ts';

type Claims = Readonly<Record<string, unknown>>;

const NOW_MS = Date.parse('2026-11-21T12:00:00Z');
const nowSeconds = NOW_MS / 1000;
const rules = {
  issuer: 'https://kubernetes.default.svc',
  audience: 'nodeseal-aggregator',
  serviceAccount: 'nodeseal/nodeseal-agent',
};
const cluster = generateKeyPairSync('rsa', { modulusLength: 2048 });
const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const keys = {
  keys: [
    { ...cluster.publicKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig' },
    { ...ec.publicKey.export({ format: 'jwk' }), kid: 'k2', use: 'sig' },
  ],
} as JSONWebKeySet;
const node = { name: 'worker-3', uid: '7b1e0000-0000-4000-8000-000000000001' };
const good: Claims = {
  iss: rules.issuer,
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
function mint(claims: Claims, header: Claims, signer: (text: string) => Buffer): string {
  const text = `${base64url({ typ: 'JWT', ...header })}.${base64url(claims)}`;
  return `${text}.${signer(text).toString('base64url')}`;
}
const byRsa = (key: KeyObject) => (text: string) => sign('sha256', Buffer.from(text), key);
const byEc = (text: string) =>
  sign('sha256', Buffer.from(text), { key: ec.privateKey, dsaEncoding: 'ieee-p1363' });
const rs256 = (claims: Claims, kid = 'k1'): string =>
  mint(claims, { alg: 'RS256', kid }, byRsa(cluster.privateKey));
const without = (name: string): Claims =>
  Object.fromEntries(Object.entries(good).filter(([key]) => key !== name));

t.test('a token of the cluster for our account names its node', async (t) => {
  for (const token of [rs256(good), mint(good, { alg: 'ES256', kid: 'k2' }, byEc)]) {
    t.same(await verifyServiceAccountToken(token, keys, rules, NOW_MS), {
      nodeUid: node.uid,
      nodeName: 'worker-3',
      podUid: 'pod-uid',
      expiresAtMs: NOW_MS + 3_600_000,
    });
  }
});

const publicPem = cluster.publicKey.export({ type: 'spki', format: 'pem' });
const refused: readonly (readonly [string, string, TokenErrorCode])[] = [
  ['for another audience', rs256({ ...good, aud: ['vault'] }), 'ERR_TOKEN_CLAIM'],
  ['of another issuer', rs256({ ...good, iss: 'https://elsewhere' }), 'ERR_TOKEN_CLAIM'],
  [
    'of another account',
    rs256({ ...good, sub: 'system:serviceaccount:default:nodeseal-agent' }),
    'ERR_TOKEN_CLAIM',
  ],
  ['that expired', rs256({ ...good, exp: nowSeconds - 61 }), 'ERR_TOKEN_EXPIRED'],
  ['from the future', rs256({ ...good, nbf: nowSeconds + 61 }), 'ERR_TOKEN_CLAIM'],
  ['that never expires', rs256(without('exp')), 'ERR_TOKEN_CLAIM'],
  ['without a pod', rs256({ ...good, 'kubernetes.io': { node } }), 'ERR_TOKEN_CLAIM'],
  [
    'without a node',
    rs256({ ...good, 'kubernetes.io': { pod: { uid: 'pod-uid' } } }),
    'ERR_TOKEN_NO_NODE',
  ],
  [
    'signed by another key',
    mint(good, { alg: 'RS256', kid: 'k1' }, byRsa(other.privateKey)),
    'ERR_TOKEN_SIGNATURE',
  ],
  ['of an unknown key', rs256(good, 'k9'), 'ERR_TOKEN_UNKNOWN_KEY'],
  ['without a signature', mint(good, { alg: 'none' }, () => Buffer.alloc(0)), 'ERR_TOKEN_SYNTAX'],
  [
    'signed with the public key as a shared secret',
    mint(good, { alg: 'HS256', kid: 'k1' }, (text) =>
      createHmac('sha256', publicPem).update(text).digest(),
    ),
    'ERR_TOKEN_SYNTAX',
  ],
  ['that is none', 'not-a-token', 'ERR_TOKEN_SYNTAX'],
  ['that is empty', '', 'ERR_TOKEN_SYNTAX'],
];

for (const [name, token, code] of refused) {
  t.test(`a token ${name} gives nobody an identity`, async (t) => {
    await t.rejects(verifyServiceAccountToken(token, keys, rules, NOW_MS), { code });
  });
}
