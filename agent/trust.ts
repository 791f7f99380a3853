import { posix } from 'node:path';
import { sha256 } from '../shared/canonical.ts';
import { parsePolicy } from '../shared/trust/policy.ts';
import type { Policy } from '../shared/trust/policy-types.ts';
import { parseRegistriesD, type RegistriesD } from '../shared/trust/registries-d.ts';
import { memoryPerHost } from './content-memory.ts';
import { readCrioPlaces } from './crio-places.ts';
import type { Host } from './host.ts';
import { lastMadePerHost } from './last-made.ts';
import { type NodeRegistriesConf, readRegistriesConf } from './registries-conf.ts';
import { CRIO_SERVICE } from './service-environment.ts';
import { readTrustEnvironment, type TrustEnvironment } from './trust-environment.ts';
import {
  missing,
  problemOf,
  readTrustFile,
  type TrustContent,
  type TrustFile,
  type TrustProblem,
  UNDECIDED,
} from './trust-files.ts';
import { readKeyFiles } from './trust-keys.ts';

/** Who put the file there: root's own home, the administrator (`/etc`), or the vendor (`/usr/share`). */
export type TrustOrigin = 'user' | 'system' | 'vendor';

/** A file that should be a policy: `policy` or `problem`, never both. */
export interface PolicyFile extends TrustFile {
  readonly policy?: Policy;
}

/** The policy.json in force. */
export interface NodePolicy extends PolicyFile {
  readonly origin: TrustOrigin;
}

/** What CRI-O judges the images of one namespace by, instead of any other policy. */
export interface NamespacePolicy extends PolicyFile {
  /** Absent for the folder itself, when it cannot be listed: then any namespace may have a policy. */
  readonly namespace?: string;
}

/** The registries.d folder in force; a folder that does not exist is an empty configuration. */
export interface NodeRegistriesD {
  readonly path: string;
  readonly origin: TrustOrigin;
  readonly files: readonly TrustFile[];
  readonly registries?: RegistriesD;
  readonly problem?: TrustProblem;
}

/** Everything the node declares about the trust in images, at one moment. */
export interface NodeTrust {
  readonly policy: NodePolicy;
  readonly registriesD: NodeRegistriesD;
  /** Mirrors and blocked registries; in `registriesD` an image goes by the name of the place it is fetched from. */
  readonly registriesConf: NodeRegistriesConf;
  /** What CRI-O is told of policies, by its configuration or environment. */
  readonly crio: {
    /** Replaces the system's policy for CRI-O alone; `undecided` is its problem where the node's files do not tell which. */
    readonly signaturePolicy?: PolicyFile;
    /** Where policies of namespaces are looked for. */
    readonly policyFolder: string;
    /** Policies of namespaces: `<folder>/<namespace>.json`. */
    readonly namespacePolicies: readonly NamespacePolicy[];
  };
  /** Key material that any of these policies names, by path. */
  readonly keyFiles: ReadonlyMap<string, TrustContent>;
}

const POLICY_PATHS = {
  system: '/etc/containers/policy.json',
  // Since April 2026 the last place; before, its absence in /etc was an error.
  vendor: '/usr/share/containers/policy.json',
} as const;
const REGISTRIES_D_PATH = '/etc/containers/registries.d';
const PASSWD_PATH = '/etc/passwd';
const EMPTY: Uint8Array = new Uint8Array();

/**
 * The trust configuration in force for root on this node, as containers/image looks for it:
 * containers-policy.plain(5) and containers-registries.d(5), root's home first and never merged.
 * Never throws for a state of the node.
 */
export async function readNodeTrust(host: Host): Promise<NodeTrust> {
  const shellHome = await rootHome(host);
  const environment = await readTrustEnvironment(host);
  const home = environment.home ?? shellHome;
  const policy = await readPolicy(host, configIn(shellHome));
  const crio = await readCrioPolicies(host, policy, home, environment);
  const policies = [policy, crio.signaturePolicy, ...crio.namespacePolicies];
  return {
    policy,
    // For the node as a whole it is as CRI-O sees it, which pulls for pods.
    registriesD: await readRegistriesD(host, home),
    registriesConf: await readRegistriesConf(host, home),
    crio,
    keyFiles: await readKeyFiles(
      host,
      policies.flatMap((file) => file?.policy ?? []),
    ),
  };
}

function configIn(home: string): string {
  return posix.join(home, '.config');
}

/** `config`: the folder of root's own configuration, `~/.config`. */
async function readPolicy(host: Host, config: string): Promise<NodePolicy> {
  const candidates: readonly (readonly [TrustOrigin, string])[] = [
    ['user', posix.join(config, 'containers/policy.json')],
    ['system', POLICY_PATHS.system],
    ['vendor', POLICY_PATHS.vendor],
  ];
  for (const [origin, path] of candidates) {
    const file = await readPolicyFile(host, path);
    if (file.problem?.reason !== 'missing') return { origin, ...file };
  }
  const { system: path } = POLICY_PATHS;
  const problem = missing(path, 'no policy.json here, in the home of root or in /usr/share');
  return { origin: 'system', path, problem };
}

/** A policy at this path, or why there is none. */
export async function readPolicyFile(host: Host, path: string): Promise<PolicyFile> {
  try {
    const made = await policiesOf(host).of(path);
    if (made === undefined) return { path, problem: missing(path, 'no such file') };
    const { sha256, outcome } = made;
    if ('policy' in outcome) return { path, sha256, policy: outcome.policy };
    return { path, sha256, problem: problemOf(outcome.error, path) };
  } catch (error) {
    return { path, problem: problemOf(error, path) };
  }
}

/** The node's own and one for each namespace that has one: a large cluster has hundreds. */
const MAX_POLICIES = 512;
/** What came of a file, by its content: under another path the same error has other words. */
const policiesOf = memoryPerHost({
  make: (bytes) => ({ sha256: sha256(bytes), outcome: parsed(bytes) }),
  maxFiles: MAX_POLICIES,
});

function parsed(bytes: Uint8Array): { readonly policy: Policy } | { readonly error: unknown } {
  try {
    return { policy: parsePolicy(bytes) };
  } catch (error) {
    return { error };
  }
}

const lastRegistriesD = lastMadePerHost<RegistriesD>();

async function readRegistriesD(host: Host, home: string): Promise<NodeRegistriesD> {
  const own = posix.join(home, '.config/containers/registries.d');
  let place: { readonly path: string; readonly origin: TrustOrigin } = {
    path: own,
    origin: 'user',
  };
  const files: TrustFile[] = [];
  try {
    // The folder in root's home replaces the system's by being there, empty or not.
    if ((await host.stat(own)) === undefined) place = { path: REGISTRIES_D_PATH, origin: 'system' };
    const contents = new Map<string, Uint8Array>();
    for (const name of (await host.list(place.path)) ?? []) {
      if (!name.endsWith('.yaml')) {
        // Not read by anyone; the parser warns of names that look as if somebody thought so.
        contents.set(name, EMPTY);
        continue;
      }
      const { bytes, ...file } = await readTrustFile(host, posix.join(place.path, name));
      // A file that went away between listing and reading is skipped, as the library does.
      if (file.problem?.reason === 'missing') continue;
      files.push(file);
      if (file.problem !== undefined) return { ...place, files, problem: file.problem };
      if (bytes !== undefined) contents.set(name, bytes);
    }
    const key = JSON.stringify([[...contents.keys()], files]);
    const registries = lastRegistriesD(host, key, () => parseRegistriesD(contents));
    return { ...place, files, registries };
  } catch (error) {
    return { ...place, files, problem: problemOf(error, place.path) };
  }
}

async function readCrioPolicies(
  host: Host,
  system: NodePolicy,
  home: string,
  environment: TrustEnvironment,
): Promise<NodeTrust['crio']> {
  const config = await readCrioPlaces(host);
  const policyFolder = environment.signaturePolicyFolder ?? config.signaturePolicyFolder;
  // Variables go before the configuration file, an empty one too.
  const path = (environment.signaturePolicy ?? config.signaturePolicy) || undefined;
  const [why] = environment.undecided;
  const own =
    why !== undefined
      ? undecided(why)
      : path !== undefined
        ? await readPolicyFile(host, path)
        : await readServicePolicy(host, system, home, environment);
  return {
    ...(own === undefined ? {} : { signaturePolicy: own }),
    policyFolder,
    namespacePolicies: await listPolicies(host, policyFolder),
  };
}

/** What CRI-O reads by itself, when its environment makes it another policy than the system's. */
async function readServicePolicy(
  host: Host,
  system: NodePolicy,
  home: string,
  { policyJson, configHome }: TrustEnvironment,
): Promise<PolicyFile | undefined> {
  const { origin: _, ...policy } = await readPolicy(host, configIn(home));
  const newest =
    policyJson !== undefined
      ? await readPolicyFile(host, policyJson)
      : configHome !== undefined
        ? await readPolicy(host, configHome)
        : policy;
  if (newest.sha256 !== policy.sha256 || newest.problem?.message !== policy.problem?.message) {
    const name = policyJson !== undefined ? 'CONTAINERS_POLICY_JSON' : 'XDG_CONFIG_HOME';
    const which = `${newest.path}, by its ${name}, or ${policy.path} depends on its version`;
    return undecided(`whether ${CRIO_SERVICE} reads ${which}`);
  }
  return policy.path === system.path ? undefined : policy;
}

/** Whose policy it is stands for its path, which is not known. */
function undecided(message: string): PolicyFile {
  return { path: CRIO_SERVICE, problem: { reason: UNDECIDED, path: CRIO_SERVICE, message } };
}

async function listPolicies(host: Host, folder: string): Promise<readonly NamespacePolicy[]> {
  try {
    const policies: NamespacePolicy[] = [];
    for (const name of (await host.list(folder)) ?? []) {
      if (!name.endsWith('.json')) continue;
      const namespace = posix.basename(name, '.json');
      policies.push({ namespace, ...(await readPolicyFile(host, posix.join(folder, name))) });
    }
    return policies;
  } catch (error) {
    return [{ path: folder, problem: problemOf(error, folder) }];
  }
}

/** Home of the superuser by passwd(5): where the library looks when HOME is not set, as in a service. */
export async function rootHome(host: Host): Promise<string> {
  const passwd = await host.readText(PASSWD_PATH).catch(() => undefined);
  const root = passwd?.split('\n').find((line) => /^[^:]*:[^:]*:0:/.test(line));
  const home = root?.split(':')[5];
  return home?.startsWith('/') === true ? home : '/root';
}
