import type { Finding, Observed } from '../../shared/findings.ts';
import { ask, type Check, type CheckContext, type Statement } from '../check.ts';
import { type DesiredState, desiredState } from '../desired/desired.ts';
import { MACHINE_CONFIG_FOLDER } from '../desired/machine-config.ts';
import { type Host, isReadingReason } from '../host.ts';
import { CRIO_SERVICE } from '../service-environment.ts';
import { type NodeTrust, readNodeTrust } from '../trust.ts';
import { readTrustEnvironment, type TrustEnvironment } from '../trust-environment.ts';
import { type TrustProblem, UNDECIDED } from '../trust-files.ts';
import { ownConfigFolders, POLICY, trustWatches, trustWatchesIn } from '../trust-places.ts';
import { policiesIn, type ReadPolicy } from '../trust-policies.ts';
import { duringUpdate } from './drift.ts';
import * as keyRules from './rules/trust-keys.ts';
import * as rules from './rules/trust-policy.ts';
import { keyFiles } from './trust-key-files.ts';
import { keyFingerprints } from './trust-key-fingerprints.ts';
import { type UsedKeys, usedKeys } from './trust-key-inventory.ts';
import { policyManaged } from './trust-managed.ts';
import { namespacePolicies } from './trust-namespaces.ts';
import { defaultReject, noPolicy, redHatSigned, scopeLint } from './trust-strictness.ts';

/** Programs that read policy.json: without any of them its absence is no fault. */
const TOOLS = ['/usr/bin/crio', '/usr/bin/podman', '/usr/bin/skopeo', '/usr/bin/buildah'];
const OVERRIDES = ['policy.json', 'registries.d', 'registries.conf', 'registries.conf.d'];

/** The signature policy: that it is valid, the one rolled out, not shadowed, and that its keys are safe. */
export const trustPolicy: Check = {
  id: 'trust',
  title: 'The signature policy is valid and unchanged',
  rules: [
    rules.policyValid,
    rules.policyManaged,
    rules.defaultReject,
    rules.redHatSigned,
    rules.scopeLint,
    rules.userOverride,
    rules.namespacePolicies,
    keyRules.keyFiles,
    keyRules.keyFingerprints,
  ],
  watches: [...trustWatches, MACHINE_CONFIG_FOLDER],
  watchesIn: trustWatchesIn,
  run,
};

async function run(context: CheckContext, signal: AbortSignal): Promise<readonly Finding[]> {
  const { host, baseline, clock } = context;
  const trust = await readNodeTrust(host);
  const policies = policiesIn(trust);
  const desired = await desiredState(host, baseline);
  const { conf } = trust.registriesConf;
  const keys = await usedKeys(host, policies, trust, clock.nowMs());
  const { policy } = trust;
  const judge = async (look: Look) =>
    (await isUnused(host, policy, desired)) ? unused() : await look();
  const withKeys = (look: LookAtKeys) =>
    judge(() => (policy.policy === undefined ? noPolicy(policy.path) : look(context, keys)));
  signal.throwIfAborted();
  return [
    ...(await ask(rules.policyValid, () => policyValid(host, trust, policies, desired))),
    ...(await ask(rules.policyManaged, async () =>
      duringUpdate(await policyManaged(host, desired), desired),
    )),
    ...(await ask(rules.defaultReject, () => judge(() => defaultReject(policies)))),
    ...(await ask(rules.redHatSigned, () => judge(() => redHatSigned(policies, conf)))),
    ...(await ask(rules.scopeLint, () => judge(() => scopeLint(policies)))),
    ...(await ask(rules.userOverride, () => userOverride(host))),
    ...(await ask(rules.namespacePolicies, () =>
      namespacePolicies(host, policies, desired, signal),
    )),
    ...(await ask(keyRules.keyFiles, () => withKeys(keyFiles))),
    ...(await ask(keyRules.keyFingerprints, () => withKeys(keyFingerprints))),
  ];
}

type Answer = Statement | readonly Statement[];
type Look = () => Promise<Answer> | Answer;
type LookAtKeys = (context: CheckContext, keys: readonly UsedKeys[]) => Promise<Answer> | Answer;

async function policyValid(
  host: Host,
  { policy }: NodeTrust,
  policies: readonly ReadPolicy[],
  desired: DesiredState,
): Promise<readonly Statement[]> {
  const own = policies.filter(({ role }) => role === 'crio');
  return [await systemPolicy(host, policy, desired), ...own.map(crioPolicy)];
}

async function systemPolicy(
  host: Host,
  policy: NodeTrust['policy'],
  desired: DesiredState,
): Promise<Statement> {
  const { path, origin, problem } = policy;
  const observed = { path, origin };
  if (problem === undefined) {
    return { result: 'pass', message: `${path} is a valid policy`, observed };
  }
  return (await isUnused(host, policy, desired)) ? unused() : troubled(problem, observed);
}

/** A policy that is missing is no fault where nothing reads it and nobody rolled it out. */
async function isUnused(
  host: Host,
  { problem }: NodeTrust['policy'],
  desired: DesiredState,
): Promise<boolean> {
  if (problem?.reason !== 'missing' || desired.paths.includes(POLICY)) return false;
  return !(await hasContainerTools(host));
}

function unused(): Statement {
  const message = 'no program of this node reads a signature policy';
  return { result: 'notapplicable', reason: 'no-container-tools', message };
}

/** CRI-O alone obeys another file when its configuration names one. */
function crioPolicy({ path, problem }: ReadPolicy): Statement {
  const observed = { path, origin: 'crio' };
  if (problem !== undefined) return { subject: path, ...troubled(problem, observed) };
  const message = `${path}, the policy of CRI-O, is valid`;
  return { subject: path, result: 'pass', message, observed };
}

/** What we could not read is our error; what the container tools would refuse is the node's failure. */
function troubled({ reason, message, line, column }: TrustProblem, observed: Observed): Statement {
  const result = reason === UNDECIDED ? 'unknown' : isReadingReason(reason) ? 'error' : 'fail';
  const place = { ...(line && { line }), ...(column && { column }) };
  return { result, reason, message, observed: { ...observed, ...place } };
}

async function hasContainerTools(host: Host): Promise<boolean> {
  for (const path of ['/etc/containers', ...TOOLS]) {
    if ((await host.stat(path)) !== undefined) return true;
  }
  return false;
}

async function userOverride(host: Host): Promise<Statement | readonly Statement[]> {
  const folders = await ownConfigFolders(host);
  const statements: Statement[] = overridesByEnvironment(await readTrustEnvironment(host));
  for (const subject of folders.flatMap((folder) => OVERRIDES.map((name) => `${folder}/${name}`))) {
    const found = await host.lstat(subject);
    if (found === undefined) continue;
    const message = `${subject} exists and goes before the trust configuration in /etc/containers`;
    const observed = { kind: found.kind };
    statements.push({ subject, result: 'fail', reason: 'override', message, observed });
  }
  if (statements.length > 0) return statements;
  const message = `nothing in ${folders.join(' or ')} goes before /etc/containers`;
  return { result: 'pass', message, observed: { overrides: 0 } };
}

/** Variables of CRI-O's unit do what files in root's home do, and stand where nobody looks for them. */
function overridesByEnvironment(environment: TrustEnvironment): Statement[] {
  const { signaturePolicy, signaturePolicyFolder, policyJson, undecided } = environment;
  const named = [
    ['CONTAINER_SIGNATURE_POLICY', signaturePolicy],
    ['CONTAINER_SIGNATURE_POLICY_DIR', signaturePolicyFolder],
    ['CONTAINERS_POLICY_JSON', policyJson],
  ] as const;
  return [
    ...named.flatMap(([name, value]): readonly Statement[] => {
      if (value === undefined) return [];
      const subject = `${name} of ${CRIO_SERVICE}`;
      const message = `the unit of CRI-O sets ${name}, or the flag of it, to ${JSON.stringify(value)}, which goes before its configuration`;
      return [{ subject, result: 'fail', reason: 'override', message, observed: { value } }];
    }),
    ...undecided.map((message): Statement => ({ result: 'unknown', reason: UNDECIDED, message })),
  ];
}
