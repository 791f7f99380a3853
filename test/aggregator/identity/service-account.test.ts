import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import t from 'tap';
import {
  type TokenErrorCode,
  verifyServiceAccountToken,
} from '../../../aggregator/identity/service-account.ts';
import * as cluster from '../../support/cluster.ts';

const { es256, good, keys, mint, NOW_MS, node, rs256 } = cluster;
const nowSeconds = NOW_MS / 1000;
const rules = { ...cluster.rules, issuer: cluster.ISSUER };
const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
const without = (name: string): cluster.Claims =>
  Object.fromEntries(Object.entries(good).filter(([key]) => key !== name));

t.test('a token of the cluster for our account names its node', async (t) => {
  for (const token of [rs256(good), es256(good)]) {
    t.same(await verifyServiceAccountToken(token, keys, rules, NOW_MS), {
      node: { uid: node.uid, name: 'worker-3' },
      podUid: 'pod-uid',
      expiresAtMs: NOW_MS + 3_600_000,
    });
  }
});

t.test('a token of a cluster before Kubernetes 1.30 names no node', async (t) => {
  const token = rs256({ ...good, 'kubernetes.io': { pod: { uid: 'pod-uid' } } });
  const { node: named } = await verifyServiceAccountToken(token, keys, rules, NOW_MS);
  t.equal(named, undefined);
});

const publicPem = cluster.rsa.publicKey.export({ type: 'spki', format: 'pem' });
const BAD = 'ERR_TOKEN_SIGNATURE';
/** Signed by a key that is none of the cluster's, under the name of one that is. */
function withHeader(header: object): string {
  return mint(good, { alg: 'RS256', kid: 'k1', ...header }, (text) =>
    sign('sha256', Buffer.from(text), other.privateKey),
  );
}
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
  ['signed by another key', rs256(good, 'k1', other.privateKey), 'ERR_TOKEN_SIGNATURE'],
  ['of an unknown key', rs256(good, 'k9'), 'ERR_TOKEN_UNKNOWN_KEY'],
  ['without a signature', mint(good, { alg: 'none' }, () => Buffer.alloc(0)), 'ERR_TOKEN_SYNTAX'],
  [
    'signed with the public key as a shared secret',
    mint(good, { alg: 'HS256', kid: 'k1' }, (text) =>
      createHmac('sha256', publicPem).update(text).digest(),
    ),
    'ERR_TOKEN_SYNTAX',
  ],
  ['whose key is named by a path', rs256(good, '../../../dev/null'), 'ERR_TOKEN_UNKNOWN_KEY'],
  ['that brings its own key', withHeader({ jwk: other.publicKey.export({ format: 'jwk' }) }), BAD],
  ['that says where its key is', withHeader({ jku: 'https://elsewhere/jwks' }), BAD],
  ['that brings a chain', withHeader({ x5c: ['MIIB'] }), BAD],
  ['of ES256 by the key of RS256', withHeader({ alg: 'ES256' }), 'ERR_TOKEN_UNKNOWN_KEY'],
  ['of a weaker algorithm', withHeader({ alg: 'RS1' }), 'ERR_TOKEN_SYNTAX'],
  ['that asks for what we do not know', withHeader({ crit: ['exp'], exp: 1 }), 'ERR_TOKEN_SYNTAX'],
  ['whose payload is not encoded', withHeader({ b64: false, crit: ['b64'] }), BAD],
  ['whose end is no number', rs256({ ...good, exp: 'never' }), 'ERR_TOKEN_CLAIM'],
  ['whose account is a list', rs256({ ...good, sub: [good['sub']] }), 'ERR_TOKEN_CLAIM'],
  ['that is none', 'not-a-token', 'ERR_TOKEN_SYNTAX'],
  ['that is empty', '', 'ERR_TOKEN_SYNTAX'],
];

for (const [name, token, code] of refused) {
  t.test(`a token ${name} gives nobody an identity`, async (t) => {
    await t.rejects(verifyServiceAccountToken(token, keys, rules, NOW_MS), { code });
  });
}
