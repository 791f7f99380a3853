import { posix } from 'node:path';
import { sha256 } from '../../shared/canonical.ts';
import type { CheckedCandidate } from '../../shared/simulation/candidate.ts';
import { addRequirements } from '../../shared/simulation/merge.ts';
import type { Policy } from '../../shared/trust/policy-types.ts';
import type { RegistriesConf } from '../../shared/trust/registries-conf.ts';
import { parseRegistriesD, type RegistriesD } from '../../shared/trust/registries-d.ts';
import type { Host } from '../host.ts';
import type { NodeRegistriesD, NodeTrust, PolicyFile } from '../trust.ts';
import { problemOf, readTrustFile, type TrustFile } from '../trust-files.ts';
import { readKeyFiles } from '../trust-keys.ts';

/** As the machine-config-operator calls the file in which it switches attachments on. */
const ATTACHMENTS_FILE = 'sigstore-registries.yaml';

/**
 * What a node would declare with the candidate in force. Policies keep their paths, so that verdicts before and after can
 * be laid side by side; key files are those of the node. Never throws for a state of the node.
 */
export async function trustWith(
  host: Host,
  trust: NodeTrust,
  checked: CheckedCandidate,
): Promise<NodeTrust> {
  const { candidate, policy: given } = checked;
  const isAdded = candidate.policyMode === 'add';
  const changed = <File extends PolicyFile>(file: File): File => {
    if (isAdded) return file.policy === undefined ? file : withPolicy(file, added(file.policy));
    return withPolicy(file, given);
  };
  const added = (present: Policy): Policy => addRequirements(present, given);
  const { signaturePolicy, namespacePolicies } = trust.crio;
  const policy = changed(trust.policy);
  const crio = {
    ...trust.crio,
    ...(signaturePolicy === undefined ? {} : { signaturePolicy: changed(signaturePolicy) }),
    // What is rendered for the cluster goes into the policies of namespaces too; a policy.json does not.
    namespacePolicies: isAdded ? namespacePolicies.map(changed) : namespacePolicies,
  };
  const policies = [policy, crio.signaturePolicy, ...crio.namespacePolicies];
  return {
    ...trust,
    policy,
    crio,
    registriesD: await registriesDWith(host, trust, checked),
    keyFiles: await readKeyFiles(
      host,
      policies.flatMap((file) => file?.policy ?? []),
    ),
  };
}

function withPolicy<File extends PolicyFile>(file: File, policy: Policy): File {
  const { problem: _, ...rest } = file;
  // What it is by content only has to differ from what it was.
  return { ...rest, sha256: sha256(`${file.sha256 ?? ''} candidate`), policy } as File;
}

async function registriesDWith(
  host: Host,
  trust: NodeTrust,
  { candidate, policy }: CheckedCandidate,
): Promise<NodeRegistriesD> {
  const { registriesD } = trust;
  const { registriesD: files, registriesDMode, policyMode } = candidate;
  const given = new Map((files ?? []).map(({ name, text }) => [name, text]));
  const changed =
    files === undefined
      ? registriesD
      : await folderOf(host, registriesD, given, registriesDMode === 'replace');
  if (policyMode !== 'add' || changed.registries === undefined) return changed;
  const registries = withAttachments(changed.registries, policy, trust.registriesConf.conf);
  return { ...changed, registries };
}

/** A folder registries.d with files given to it, beside those it has or in their place. */
export async function folderOf(
  host: Host,
  { path, origin, files }: NodeRegistriesD,
  given: ReadonlyMap<string, string>,
  isReplaced: boolean,
): Promise<NodeRegistriesD> {
  const contents = new Map<string, string | Uint8Array>(given);
  const all: TrustFile[] = [...given].map(([name, text]) => ({
    path: posix.join(path, name),
    sha256: sha256(text),
  }));
  const place = { path, origin };
  for (const known of isReplaced ? [] : files) {
    const name = posix.basename(known.path);
    if (given.has(name)) continue;
    const { bytes, ...file } = await readTrustFile(host, known.path);
    if (file.problem?.reason === 'missing') continue;
    all.push(file);
    if (bytes === undefined) return { ...place, files: all, ...problemIn(file) };
    contents.set(name, bytes);
  }
  try {
    return { ...place, files: all, registries: parseRegistriesD(contents) };
  } catch (error) {
    return { ...place, files: all, problem: problemOf(error, path) };
  }
}

function problemIn({ problem }: TrustFile): Pick<TrustFile, 'problem'> {
  return problem === undefined ? {} : { problem };
}

/** Attachments switched on for scopes that ask for sigstore signatures, and for their mirrors. */
function withAttachments(
  registries: RegistriesD,
  policy: Policy,
  conf: RegistriesConf | undefined,
): RegistriesD {
  const docker = new Map(registries.docker);
  for (const [scope, requirements] of policy.transports.get('docker') ?? []) {
    if (!requirements.some(({ type }) => type === 'sigstoreSigned')) continue;
    for (const name of [scope, ...mirrorsOf(scope, conf)]) {
      const section = docker.get(name) ?? { file: ATTACHMENTS_FILE };
      docker.set(name, { ...section, useSigstoreAttachments: true });
    }
  }
  return { ...registries, docker };
}

function mirrorsOf(scope: string, conf: RegistriesConf | undefined): readonly string[] {
  return [...(conf?.registries.values() ?? [])].flatMap(({ prefix, mirrors }) => {
    if (isWithin(scope, prefix)) {
      return mirrors.map(({ location }) => location + scope.slice(prefix.length));
    }
    return isWithin(prefix, scope) ? mirrors.map(({ location }) => location) : [];
  });
}

function isWithin(name: string, above: string): boolean {
  return name === above || name.startsWith(`${above}/`);
}
