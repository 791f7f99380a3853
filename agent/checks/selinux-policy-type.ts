import { type CheckContext, type Statement, whereReadable } from '../check.ts';
import type { Host } from '../host.ts';
import { CONFIG, configuredType, SELINUXFS } from '../selinux/mode.ts';
import { findPolicy, type PolicyPlace, policyContent, policyPath } from '../selinux/policy.ts';

const ALLOWED_TYPES: readonly string[] = ['targeted', 'mls'];

/** Two answers: which policy is configured, and whether the next boot finds a file of it that the kernel takes. */
export async function policyType(context: CheckContext): Promise<readonly Statement[]> {
  const configured = await configuredPolicy(context.host);
  const place = await findPolicy(context.host);
  return place === undefined ? [configured] : [configured, await policyOnDisk(context, place)];
}

async function configuredPolicy(host: Host): Promise<Statement> {
  const type = await configuredType(host);
  if (type === undefined) return noConfiguration();
  const observed = { type: type === '' ? null : type };
  if (ALLOWED_TYPES.includes(type)) {
    return { result: 'pass', message: `the configured policy is ${type}`, observed };
  }
  const found = type === '' ? 'names no policy' : `says SELINUXTYPE=${type}`;
  const message = `${CONFIG} ${found}, expected targeted or mls`;
  return { result: 'fail', reason: type === '' ? 'missing' : 'other-policy', message, observed };
}

async function policyOnDisk(context: CheckContext, place: PolicyPlace): Promise<Statement> {
  const subject = place.folder;
  const { version, versions, kernelMax } = place;
  if (versions === undefined) return policyNotVisible(place, subject);
  const path = policyPath(place);
  if (path === undefined || version === undefined) {
    const found =
      versions.length === 0 ? 'no policy' : `only policy.${Math.min(...versions)} or later`;
    const upTo = kernelMax === undefined ? '' : ` up to policy.${kernelMax}`;
    const message = `${subject} holds ${found}, expected one the kernel takes${upTo}`;
    const observed = { version: null, kernelMax: kernelMax ?? null };
    return { subject, result: 'fail', reason: 'no-policy', message, observed };
  }
  const content = await policyContent(context, path);
  if (content === undefined) return policyNotVisible(place, subject);
  const { policy, problem } = content;
  if (policy === undefined) {
    const message = `${path} is no policy that the kernel takes: ${problem}`;
    return { subject, result: 'fail', reason: 'invalid', message, observed: { version: null } };
  }
  const observed = {
    version: policy.version,
    kernelMax: kernelMax ?? null,
    mls: policy.isMls,
    unknown: policy.unknown,
    running: await runningPolicy(context.host),
  };
  if (policy.version !== version) {
    const message = `${path} holds a policy of version ${policy.version}, expected ${version}`;
    return { subject, result: 'fail', reason: 'other-version', message, observed };
  }
  return { subject, result: 'pass', message: `the next boot loads ${path}`, observed };
}

/** What the loaded policy says of itself, `mls=1 deny_unknown=0`; null where selinuxfs is not visible. */
async function runningPolicy(host: Host): Promise<string | null> {
  const words: string[] = [];
  for (const name of ['mls', 'deny_unknown']) {
    const value = (await whereReadable(host.readText(`${SELINUXFS}/${name}`)))?.trim();
    if (value === '0' || value === '1') words.push(`${name}=${value}`);
  }
  return words.length === 0 ? null : words.join(' ');
}

/** Where no configuration says which policy is meant. */
export function noConfiguration(): Statement {
  const message = `${CONFIG} does not exist, so no policy is configured`;
  return { result: 'notapplicable', reason: 'no-configuration', message };
}

export function policyNotVisible({ folder }: PolicyPlace, subject?: string): Statement {
  const message = `${folder} is not visible here, so the policy on disk is unknown`;
  const about = subject === undefined ? {} : { subject };
  return { ...about, result: 'error', reason: 'not-visible', message };
}

/** What rules on the content of the policy say where there is none to look at. */
export async function noPolicyToLookAt(
  host: Host,
  place: PolicyPlace | undefined,
): Promise<Statement> {
  if (place?.versions === undefined && place !== undefined) return policyNotVisible(place);
  if (place === undefined && (await configuredType(host)) === undefined) return noConfiguration();
  const message = 'there is no policy on disk that the kernel would take';
  return { result: 'notapplicable', reason: 'no-policy', message };
}
