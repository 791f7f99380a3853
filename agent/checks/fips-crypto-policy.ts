import type { Statement } from '../check.ts';
import {
  appliedPolicy,
  brokenBackEnds,
  CRYPTO_POLICIES,
  configuredPolicy,
  cryptoPolicyText,
  hasCryptoPolicies,
} from '../crypto-policy.ts';
import type { Host } from '../host.ts';
import {
  type FipsPlaces,
  isExpected,
  isPendingReboot,
  notExpected,
  relaxationsOf,
} from './fips-places.ts';

/** What the rule `fips.crypto-policy` says: the policy in force is FIPS, without relaxations. */
export async function cryptoPolicy(host: Host, places: FipsPlaces): Promise<Statement> {
  const policy = (await appliedPolicy(host)) ?? (await configuredPolicy(host));
  if (policy === undefined && !(await hasCryptoPolicies(host))) return noCryptoPolicies();
  if (!isExpected(places)) return await notExpected(host);
  const expected = { policy: 'FIPS' };
  if (policy === undefined) {
    const message = `${CRYPTO_POLICIES} names no policy, expected FIPS`;
    return { result: 'fail', reason: 'missing', message, expected };
  }
  const text = cryptoPolicyText(policy);
  const observed = { policy: text };
  if (policy.base !== 'FIPS' && isPendingReboot(places)) {
    const message = `the crypto policy is ${text}, expected FIPS with the next boot`;
    const reason = 'pending-reboot';
    return { result: 'fail', reason, severity: 'medium', message, observed, expected };
  }
  if (policy.base !== 'FIPS') {
    const isKernelOnly = places.kernel === true;
    const what = isKernelOnly ? 'only the kernel is in FIPS mode' : 'expected FIPS';
    const message = `the crypto policy is ${text}: ${what}`;
    const reason = isKernelOnly ? 'kernel-only' : 'not-fips';
    return { result: 'fail', reason, message, observed, expected };
  }
  const relaxing = await relaxationsOf(host, policy);
  if (relaxing.length > 0) {
    const message = `the crypto policy ${text} relaxes FIPS by ${relaxing.join(', ')}`;
    const severity = 'medium';
    return { result: 'fail', reason: 'relaxed', severity, message, observed, expected };
  }
  return { result: 'pass', message: `the crypto policy is ${text}`, observed };
}

/** What the rule `fips.crypto-policy-applied` says: what is configured is in force, in every back end. */
export async function cryptoPolicyApplied(host: Host, places: FipsPlaces): Promise<Statement> {
  const configured = await configuredPolicy(host);
  const applied = await appliedPolicy(host);
  if (configured === undefined && applied === undefined) {
    return (await hasCryptoPolicies(host)) ? missingPolicy() : noCryptoPolicies();
  }
  const [wanted, found] = [configured, applied].map((policy) => policy && cryptoPolicyText(policy));
  const observed = { configured: wanted ?? null, applied: found ?? null };
  if (wanted !== found || applied === undefined) {
    const message = `configured is ${wanted ?? 'no policy'}, applied is ${found ?? 'none'}`;
    return { result: 'fail', reason: 'not-applied', message, observed };
  }
  const [broken, ...others] = await brokenBackEnds(host, applied);
  if (broken !== undefined) {
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
    const message = `${broken.path} is a ${broken.what}${more}`;
    return { result: 'fail', reason: 'back-end', message, observed };
  }
  if (!isExpected(places)) return await notExpected(host);
  return { result: 'pass', message: `${found} is configured and applied`, observed };
}

function missingPolicy(): Statement {
  const message = `${CRYPTO_POLICIES} names no policy, configured or applied`;
  return { result: 'fail', reason: 'missing', message };
}

function noCryptoPolicies(): Statement {
  const message = 'this system has no system-wide crypto policies';
  return { result: 'notapplicable', reason: 'no-crypto-policies', message };
}
