import { rfc3339 } from '../../shared/clock.ts';
import type { KeyFacts } from '../../shared/trust/key-types.ts';
import type { CheckContext, Statement } from '../check.ts';
import { type Host, isReadingReason } from '../host.ts';
import type { TrustContent } from '../trust-files.ts';
import type { UsedKeys } from './trust-key-inventory.ts';

const WRITABLE_BY_OTHERS = 0o022;

/** What the rule `trust.key-files` says of each key that a policy names: there, safe, and able to verify. */
export async function keyFiles(
  { host }: CheckContext,
  keys: readonly UsedKeys[],
): Promise<readonly Statement[]> {
  if (keys.length === 0) {
    return [{ result: 'notapplicable', reason: 'no-keys', message: 'no policy names a key' }];
  }
  const statements: Statement[] = [];
  for (const key of keys) {
    const { subject } = key;
    const fault = (key.file && (await fileFault(host, key.file))) ?? keyFault(key);
    const fine: Statement = {
      result: 'pass',
      message: `${subject} holds keys that can be relied on`,
    };
    statements.push({ subject, ...(fault ?? fine) });
  }
  return statements;
}

async function fileFault(
  host: Host,
  { path, bytes, problem }: TrustContent,
): Promise<Statement | undefined> {
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

function keyFault({ subject, facts }: UsedKeys): Statement | undefined {
  if (facts.some(({ undecided }) => undecided.length > 0)) {
    const what = 'OpenSSL here does not offer what is needed to read its keys';
    return { result: 'unknown', reason: 'algorithm-unavailable', message: `${subject}: ${what}` };
  }
  const problem = facts.find((one) => one.problem !== undefined)?.problem;
  if (problem !== undefined) {
    return { result: 'fail', reason: 'not-a-key', message: `${subject}: ${problem}` };
  }
  const dead = facts.map(({ keys }) => deadKey(subject, keys)).filter((one) => one !== undefined);
  const grave = dead.find(({ severity }) => severity === undefined);
  const keys = facts.flatMap((one) => one.keys);
  return grave ?? weakKey(subject, keys) ?? dead[0];
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
