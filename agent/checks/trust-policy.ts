import { posix } from 'node:path';
import type { Finding, Observed } from '../../shared/findings.ts';
import { PolicyError, parsePolicy } from '../../shared/trust/policy.ts';
import { diffPolicies, type PolicyChange } from '../../shared/trust/policy-diff.ts';
import { ask, type Check, type CheckContext, type Statement } from '../check.ts';
import { type DesiredState, desiredState } from '../desired/desired.ts';
import { MACHINE_CONFIG_FOLDER } from '../desired/machine-config.ts';
import { inspectFile } from '../files.ts';
import { type Host, isReadingReason } from '../host.ts';
import { type NodeTrust, readNodeTrust, rootHome } from '../trust.ts';
import { problemOf, readTrustFile, type TrustContent, type TrustProblem } from '../trust-files.ts';
import { POLICY, trustWatches, trustWatchesIn } from '../trust-places.ts';
import { driftOf } from './drift.ts';
import * as rules from './rules/trust-policy.ts';

/** Programs that read policy.json: without any of them its absence is no fault. */
const TOOLS = ['/usr/bin/crio', '/usr/bin/podman', '/usr/bin/skopeo', '/usr/bin/buildah'];
const OVERRIDES = ['policy.json', 'registries.d', 'registries.conf', 'registries.conf.d'];
const WRITABLE_BY_OTHERS = 0o022;

/** The signature policy: that it is valid, the one rolled out, not shadowed, and that its keys are safe. */
export const trustPolicy: Check = {
  id: 'trust',
  title: 'The signature policy is valid and unchanged',
  rules: [rules.policyValid, rules.policyManaged, rules.userOverride, rules.keyFiles],
  watches: [...trustWatches, MACHINE_CONFIG_FOLDER],
  watchesIn: trustWatchesIn,
  run,
};

async function run(context: CheckContext, signal: AbortSignal): Promise<readonly Finding[]> {
  const { host, baseline } = context;
  const trust = await readNodeTrust(host);
  const desired = await desiredState(host, baseline);
  signal.throwIfAborted();
  return [
    ...(await ask(rules.policyValid, () => policyValid(host, trust, desired))),
    ...(await ask(rules.policyManaged, () => policyManaged(host, desired))),
    ...(await ask(rules.userOverride, () => userOverride(host))),
    ...(await ask(rules.keyFiles, () => keyFiles(host, trust))),
  ];
}

async function policyValid(
  host: Host,
  { policy, crio }: NodeTrust,
  desired: DesiredState,
): Promise<readonly Statement[]> {
  const own = crio.signaturePolicy;
  const system = await systemPolicy(host, policy, desired);
  return [system, ...(own ? [await crioPolicy(host, own.path)] : [])];
}

async function systemPolicy(
  host: Host,
  { path, origin, problem }: NodeTrust['policy'],
  desired: DesiredState,
): Promise<Statement> {
  const observed = { path, origin };
  if (problem === undefined) {
    return { result: 'pass', message: `${path} is a valid policy`, observed };
  }
  const isWanted = desired.paths.includes(POLICY) || (await hasContainerTools(host));
  if (problem.reason === 'missing' && !isWanted) {
    const message = 'no program of this node reads a signature policy';
    return { result: 'notapplicable', reason: 'no-container-tools', message };
  }
  return troubled(problem, observed);
}

/** CRI-O alone obeys another file when its configuration names one. */
async function crioPolicy(host: Host, path: string): Promise<Statement> {
  const { bytes, problem } = await readTrustFile(host, path);
  const found = problem ?? (bytes && faultOf(bytes, path));
  const observed = { path, origin: 'crio' };
  if (found !== undefined) return { subject: path, ...troubled(found, observed) };
  const message = `${path}, the policy of CRI-O, is valid`;
  return { subject: path, result: 'pass', message, observed };
}

function faultOf(bytes: Uint8Array, path: string): TrustProblem | undefined {
  try {
    parsePolicy(bytes);
    return undefined;
  } catch (error) {
    return problemOf(error, path);
  }
}

/** What we could not read is our error; what the container tools would refuse is the node's failure. */
function troubled({ reason, message, line, column }: TrustProblem, observed: Observed): Statement {
  const result = isReadingReason(reason) ? 'error' : 'fail';
  const place = { ...(line && { line }), ...(column && { column }) };
  return { result, reason, message, observed: { ...observed, ...place } };
}

async function hasContainerTools(host: Host): Promise<boolean> {
  for (const path of ['/etc/containers', ...TOOLS]) {
    if ((await host.stat(path)) !== undefined) return true;
  }
  return false;
}

async function policyManaged(host: Host, desired: DesiredState): Promise<Statement> {
  if (desired.problem !== undefined) throw desired.problem;
  // A content of the MachineConfig that does not decode is an error that names it.
  const want = desired.file(POLICY);
  const file = await inspectFile(host, desired, POLICY);
  const drift = driftOf(file);
  if (drift === undefined) {
    const message = `no MachineConfig and no baseline says what ${POLICY} should be`;
    const observed = { sha256: file.sha256 };
    return { result: 'notchecked', reason: 'no-oracle', message, observed };
  }
  if (drift.reason !== 'content') return drift;
  return weigh(drift, want?.bytes, await host.readBytes(POLICY));
}

/** A changed policy with what the change means, where both sides can be read as policies. */
function weigh(
  drift: Statement,
  old: Uint8Array | undefined,
  now: Uint8Array | undefined,
): Statement {
  const changes = changesBetween(old, now);
  if (changes === undefined) return drift;
  const [worst] = changes;
  const effect = worst?.effect ?? 'neutral';
  const more = changes.length > 1 ? ` (and ${changes.length - 1} more changes)` : '';
  const what = worst === undefined ? 'it means the same' : `${effect}: ${worst.reason}${more}`;
  return {
    ...drift,
    ...(effect === 'neutral' ? { severity: 'low' as const } : {}),
    message: `${drift.message}; ${what}`,
    observed: { ...drift.observed, effect },
  };
}

function changesBetween(
  old: Uint8Array | undefined,
  now: Uint8Array | undefined,
): readonly PolicyChange[] | undefined {
  if (old === undefined || now === undefined) return undefined;
  try {
    return diffPolicies({ policy: parsePolicy(old) }, { policy: parsePolicy(now) });
  } catch (error) {
    // Another rule says which of them is no policy.
    if (error instanceof PolicyError) return undefined;
    throw error;
  }
}

async function userOverride(host: Host): Promise<Statement | readonly Statement[]> {
  const folder = posix.join(await rootHome(host), '.config/containers');
  const failing: Statement[] = [];
  for (const name of OVERRIDES) {
    const subject = `${folder}/${name}`;
    const found = await host.lstat(subject);
    if (found === undefined) continue;
    const message = `${subject} exists and goes before the trust configuration in /etc/containers`;
    const observed = { kind: found.kind };
    failing.push({ subject, result: 'fail', reason: 'override', message, observed });
  }
  if (failing.length > 0) return failing;
  const message = `nothing in ${folder} goes before /etc/containers`;
  return { result: 'pass', message, observed: { overrides: 0 } };
}

async function keyFiles(host: Host, trust: NodeTrust): Promise<Statement | readonly Statement[]> {
  if (trust.policy.policy === undefined) {
    const message = `the keys are unknown, because ${trust.policy.path} could not be read`;
    return { result: 'unknown', reason: 'no-policy', message };
  }
  const keys = [...trust.keyFiles.values()];
  if (keys.length === 0) {
    const message = 'the policy names no key file';
    return { result: 'notapplicable', reason: 'no-keys', message };
  }
  const faults: Statement[] = [];
  for (const key of keys) {
    const fault = await keyFault(host, key);
    if (fault !== undefined) faults.push({ subject: key.path, ...fault });
  }
  if (faults.length > 0) return faults;
  const message = `${keys.length} key files are there, and only their owner can write them`;
  return { result: 'pass', message, observed: { keys: keys.length } };
}

async function keyFault(
  host: Host,
  { path, bytes, problem }: TrustContent,
): Promise<Statement | undefined> {
  if (!path.startsWith('/')) {
    const message = `${path}: expected an absolute path; this one depends on where the program was started`;
    return { result: 'fail', reason: 'relative-path', message };
  }
  if (bytes === undefined) return troubled(problem ?? { reason: 'io', path, message: path }, {});
  if (bytes.length === 0) {
    return { result: 'fail', reason: 'empty', message: `${path} is empty, expected a key` };
  }
  const { mode = 0 } = (await host.stat(path)) ?? {};
  if ((mode & WRITABLE_BY_OTHERS) === 0) return undefined;
  const octal = mode.toString(8).padStart(4, '0');
  const message = `${path} has mode ${octal}: others than its owner can replace the key`;
  return { result: 'fail', reason: 'writable', message, observed: { mode: octal } };
}
