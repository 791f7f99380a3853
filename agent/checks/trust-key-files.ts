import { rfc3339 } from '../../shared/clock.ts';
import { type KeyFacts, readKeyFacts } from '../../shared/trust/key-facts.ts';
import type { CheckContext, Statement } from '../check.ts';
import { type Host, isReadingReason } from '../host.ts';
import type { UsedKey } from './trust-key-inventory.ts';

const WRITABLE_BY_OTHERS = 0o022;

/** What the rule `trust.key-files` says of each key that a policy names: there, safe, and able to verify. */
export async function keyFiles(
  { host, clock }: CheckContext,
  keys: readonly UsedKey[],
): Promise<readonly Statement[]> {
  if (keys.length === 0) {
    return [{ result: 'notapplicable', reason: 'no-keys', message: 'no policy names a key' }];
  }
  const statements: Statement[] = [];
  for (const key of keys) {
    const { subject } = key;
    const fault =
      (key.isFile ? await fileFault(host, key) : undefined) ?? (await keyFault(key, clock.nowMs()));
    const fine: Statement = {
      result: 'pass',
      message: `${subject} holds keys that can be relied on`,
    };
    statements.push({ subject, ...(fault ?? fine) });
  }
  return statements;
}

async function fileFault(host: Host, { content }: UsedKey): Promise<Statement | undefined> {
  const { path, bytes, problem } = content;
  if (!path.startsWith('/')) {
    const message = `${path}: expected an absolute path; this one depends on where the program was started`;
    return { result: 'fail', reason: 'relative-path', message };
  }
  if (bytes === undefined) {
    const { reason = 'io', message = path } = problem ?? {};
    return { result: isReadingReason(reason) ? 'error' : 'fail', reason, message };
  }
  if (bytes.length === 0) {
    return { result: 'fail', reason: 'empty', message: `${path} is empty, expected a key` };
  }
  const { mode = 0, uid = 0 } = (await host.stat(path)) ?? {};
  if (uid !== 0 && uid !== (await host.stat('/'))?.uid) {
    const message = `${path} belongs to the user ${uid}, who can replace the key, expected root`;
    return { result: 'fail', reason: 'owner', message, observed: { uid } };
  }
  if ((mode & WRITABLE_BY_OTHERS) === 0) return undefined;
  const octal = mode.toString(8).padStart(4, '0');
  const message = `${path} has mode ${octal}: others than its owner can replace the key`;
  return { result: 'fail', reason: 'writable', message, observed: { mode: octal } };
}

async function keyFault(
  { subject, roles, content }: UsedKey,
  nowMs: number,
): Promise<Statement | undefined> {
  const all: KeyFacts[] = [];
  for (const role of roles) {
    const { keys, undecided, problem } = await readKeyFacts(
      role,
      content.bytes ?? new Uint8Array(),
      nowMs,
    );
    if (undecided.length > 0) {
      const what = 'OpenSSL here does not offer what is needed to read its keys';
      const reason = 'algorithm-unavailable';
      return { result: 'unknown', reason, message: `${subject}: ${what}` };
    }
    if (problem !== undefined) {
      return { result: 'fail', reason: 'not-a-key', message: `${subject}: ${problem}` };
    }
    all.push(...keys);
  }
  return deadKey(subject, all) ?? weakKey(subject, all);
}

/** While another key of the file lives, a dead one is only left behind. */
function deadKey(subject: string, keys: readonly KeyFacts[]): Statement | undefined {
  const dead = keys.find(({ isRevoked, isExpired }) => isRevoked || isExpired);
  if (dead === undefined) return undefined;
  const { fingerprint, isRevoked, endsMs } = dead;
  const what = isRevoked ? 'is revoked' : `expired at ${rfc3339(endsMs ?? 0)}`;
  const isLast = keys.every((key) => key.isRevoked || key.isExpired);
  return {
    result: 'fail',
    reason: isRevoked ? 'revoked' : 'expired',
    ...(isLast ? {} : { severity: 'low' as const }),
    message: `${subject}: the key ${fingerprint} ${what}`,
    observed: { fingerprint },
  };
}

function weakKey(subject: string, keys: readonly KeyFacts[]): Statement | undefined {
  const weak = keys.find(({ weaknesses }) => weaknesses.includes('algorithm'));
  if (weak !== undefined) {
    const { fingerprint, algorithm } = weak;
    const message = `${subject}: the key ${fingerprint} is ${algorithm}, expected RSA of 2048 bits or an elliptic curve`;
    return { result: 'fail', reason: 'weak', message, observed: { fingerprint, algorithm } };
  }
  const old = keys.find(({ weaknesses }) => weaknesses.includes('self-signature'));
  if (old === undefined) return undefined;
  const { fingerprint } = old;
  const message = `${subject}: nothing but SHA-1 vouches for the key ${fingerprint}`;
  const severity = 'medium';
  return { result: 'fail', reason: 'weak-hash', severity, message, observed: { fingerprint } };
}
