import { generateKeyPairSync } from 'node:crypto';
import t, { type Test } from 'tap';
import { IssuerKeyring } from '../../../aggregator/identity/issuer-keys.ts';
import { KubernetesAuthority } from '../../../aggregator/identity/kubernetes.ts';
import type { LogFields, Logger } from '../../../shared/log.ts';
import {
  discovery,
  good,
  keys,
  NOW_MS,
  node,
  rs256,
  rules,
  serveDiscovery,
  stillClock,
} from '../../support/cluster.ts';

/** Keeps what is logged, so that a refusal can be asked for its reason. */
function keepingLog(codes: unknown[]): Logger {
  const keep = ({ code }: LogFields): void => {
    codes.push(code);
  };
  const log: Logger = { debug: keep, info: keep, warn: keep, error: keep, child: () => log };
  return log;
}

async function authorityOf(t: Test, answers = discovery()) {
  const server = await serveDiscovery(t, answers);
  const clock = stillClock();
  const codes: unknown[] = [];
  const keyring = new IssuerKeyring(server.source, clock);
  const authority = new KubernetesAuthority(
    keyring,
    { ...rules, pool: 'worker' },
    clock,
    keepingLog(codes),
  );
  return { ...server, clock, authority, codes };
}

t.test('a projected token of our account is the identity of its node', async (t) => {
  const { authority } = await authorityOf(t);
  t.same(await authority.authenticate(rs256(good)), {
    kind: 'agent',
    node: { uid: node.uid, name: node.name, pool: 'worker' },
    expiresAtMs: NOW_MS + 3_600_000,
    credentialId: 'pod:pod-uid',
  });
});

t.test('a refused token and a credential of another kind are nobody', async (t) => {
  const { authority, seen, codes } = await authorityOf(t);
  t.equal(await authority.authenticate('nsa_0123456789abcdef.secret'), undefined);
  t.equal(seen.length, 0, 'what is no JWT is not even looked at');
  t.equal(await authority.authenticate(rs256({ ...good, aud: ['vault'] })), undefined);
  t.same(codes, ['ERR_TOKEN_CLAIM'], 'and the log says why');
});

t.test('keys that the cluster rotated are fetched when a token names one', async (t) => {
  const { authority, answers, clock } = await authorityOf(t);
  const rotated = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const token = rs256(good, 'k3', rotated.privateKey);
  t.equal(await authority.authenticate(token), undefined, 'not yet known');
  const jwk = { ...rotated.publicKey.export({ format: 'jwk' }), kid: 'k3', use: 'sig' };
  Object.assign(answers, discovery({ keys: [...keys.keys, jwk] } as typeof keys));
  t.equal(await authority.authenticate(token), undefined, 'asked less than 30 s ago');
  clock.monotonic = 30_000;
  t.match(await authority.authenticate(token), { kind: 'agent', node: { uid: node.uid } });
});

t.test('a cluster whose keys never could be had lets nobody in', async (t) => {
  const { authority, codes } = await authorityOf(t, {});
  t.equal(await authority.authenticate(rs256(good)), undefined);
  t.same(codes, ['ERR_ISSUER_KEYS']);
});
