import { posix } from 'node:path';
import { sha256 } from '../../shared/canonical.ts';
import type { Observed } from '../../shared/findings.ts';
import { JsonError, parseJson } from '../../shared/trust/json.ts';
import { foldedMembers, objectNode, readString } from '../../shared/trust/json-reader.ts';
import type { CheckContext, Statement } from '../check.ts';
import { containersText } from '../containers-conf.ts';
import {
  type CrioConfig,
  type CrioSetting,
  crioHandlers,
  crioText,
  readCrioConfig,
} from '../crio-config.ts';
import { acceptedOf } from '../desired/baseline.ts';
import { desiredState } from '../desired/desired.ts';
import { inspectFile } from '../files.ts';
import type { Host } from '../host.ts';
import { driftOf } from './drift.ts';
import { crioProfile as crioProfileRule } from './rules/seccomp.ts';

/** Default actions that let through whatever a profile does not name. */
const OPEN_ACTIONS: ReadonlySet<string> = new Set(['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG']);
/** The others that runtimes know (OCI runtime specification, config-linux.md): an empty one is no filter at all. */
const CLOSED_ACTIONS: ReadonlySet<string> = new Set([
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_NOTIFY',
]);

/**
 * What the rule `seccomp.crio-profile` says: CRI-O's default is its own, or one that somebody manages; so are the
 * profiles for privileged containers and of single runtimes, where they are set.
 */
export async function crioProfile(context: CheckContext): Promise<readonly Statement[]> {
  const config = await readCrioConfig(context.host);
  if (config === undefined) return [noCrio()];
  const statements: Statement[] = [];
  for (const { subject, setting } of profilesIn(config)) {
    const statement = await judgeSetting(context, setting, subject);
    statements.push(subject === undefined ? statement : { subject, ...statement });
  }
  return statements;
}

interface ProfileSetting {
  /** Absent for the default of every container. */
  readonly subject?: string;
  readonly setting: CrioSetting<string> | undefined;
}

/** The default, and each of the others that is set: unset means that nothing is different. */
function profilesIn(config: CrioConfig): readonly ProfileSetting[] {
  const privileged = 'privileged_seccomp_profile';
  const others = [
    { subject: privileged, setting: crioText(config, 'crio', 'runtime', privileged) },
    ...crioHandlers(config, 'runtimes').map(({ name, file, keys }) => ({
      subject: `runtime ${name}`,
      setting: crioText({ files: [file] }, ...keys, 'seccomp_profile'),
    })),
  ];
  return [
    { setting: crioText(config, 'crio', 'runtime', 'seccomp_profile') },
    ...others.filter(({ setting }) => setting !== undefined && setting.value !== ''),
  ];
}

async function judgeSetting(
  { host, baseline }: CheckContext,
  setting: CrioSetting<string> | undefined,
  subject: string | undefined,
): Promise<Statement> {
  const profile = setting?.value ?? '';
  const observed = { profile, path: setting?.path ?? null };
  if (setting === undefined || profile === '') {
    return { result: 'pass', message: 'CRI-O uses its built-in profile', observed };
  }
  if (profile === 'unconfined') {
    const what = subject === undefined ? '' : ` of ${subject}`;
    const message = `${setting.path} sets the seccomp profile${what} to "unconfined"`;
    return { result: 'fail', reason: 'unconfined', message, observed };
  }
  if (!posix.isAbsolute(profile)) return relative(setting, observed);
  const bytes = await host.readBytes(profile);
  if (bytes === undefined) {
    const message = `${profile} does not exist, named by ${setting.path}: CRI-O cannot start with it`;
    return { result: 'fail', reason: 'missing', message, observed };
  }
  const seen = { ...observed, sha256: sha256(bytes) };
  const judged = judgeProfile(profile, bytes, seen);
  if (judged.result !== 'pass') return judged;
  const accepted = acceptedOf(baseline, {
    ruleId: crioProfileRule.id,
    ...(subject && { subject }),
  });
  if (accepted?.['profile'] === profile && accepted['sha256'] === seen.sha256) return judged;
  const desired = await desiredState(host, baseline);
  const drift = desired.file(profile) && driftOf(await inspectFile(host, desired, profile));
  if (drift !== undefined && drift.result !== 'pass') return drift;
  if (drift !== undefined || isVendors(profile)) return judged;
  if (!desired.isKnown) {
    const message = `nothing here says whether ${profile} is the profile it should be`;
    return { result: 'notchecked', reason: 'no-oracle', message, observed: seen };
  }
  const message = `${profile} is neither of the operating system, nor managed, nor accepted`;
  return { result: 'fail', reason: 'unmanaged', message, observed: seen };
}

/** Where such a path leads depends on where the program was started. */
function relative({ path, value }: CrioSetting<string>, observed: Observed): Statement {
  const message = `${path} names the profile ${JSON.stringify(value)}, expected an absolute path`;
  return { result: 'unknown', reason: 'relative', message, observed };
}

/** Of the operating system: /usr/local is the administrator's. */
function isVendors(path: string): boolean {
  const plain = posix.normalize(path);
  return plain.startsWith('/usr/') && !plain.startsWith('/usr/local/');
}

/** Where containers.conf(5) names no profile: what an administrator put goes before what the package brought. */
const PODMAN_PROFILES = ['/etc/containers/seccomp.json', '/usr/share/containers/seccomp.json'];

/** What the rule `seccomp.podman-profile` says: podman's default, in a file of its own, is no open door. */
export async function podmanProfile(host: Host): Promise<Statement> {
  const named = await containersText(host, 'containers', 'seccomp_profile');
  if (named?.value === 'unconfined') {
    const message = `${named.path} sets the seccomp profile of podman to "unconfined"`;
    const observed = { path: named.path };
    return { result: 'fail', reason: 'unconfined', message, observed };
  }
  if (named?.value && !posix.isAbsolute(named.value)) return relative(named, { path: named.value });
  for (const path of named?.value ? [named.value] : PODMAN_PROFILES) {
    const bytes = await host.readBytes(path);
    if (bytes !== undefined) return judgeProfile(path, bytes, { path });
  }
  if (named?.value) {
    const message = `${named.value} does not exist, named by ${named.path}: podman starts no container with it`;
    return { result: 'fail', reason: 'missing', message, observed: { path: named.value } };
  }
  const message = 'podman has no profile in a file here and takes the one built into it';
  return { result: 'notapplicable', reason: 'no-profile', message };
}

/** A profile is good when what it does not name is refused. */
export function judgeProfile(path: string, bytes: Buffer, observed: Observed): Statement {
  const action = defaultAction(bytes);
  const seen = { ...observed, defaultAction: action ?? null };
  if (action === undefined) {
    const message = `${path} is no seccomp profile: expected JSON with a defaultAction`;
    return { result: 'fail', reason: 'invalid', message, observed: seen };
  }
  if (OPEN_ACTIONS.has(action)) {
    const message = `${path} lets through what it does not name (${action})`;
    return { result: 'fail', reason: 'allow-default', message, observed: seen };
  }
  if (!CLOSED_ACTIONS.has(action)) {
    const message = `${path} has a defaultAction that no runtime knows`;
    return { result: 'fail', reason: 'invalid', message, observed: seen };
  }
  return { result: 'pass', message: `${path} refuses what it does not name`, observed: seen };
}

/** As the runtimes' decoder takes it: the case of the name does not matter, and of several the last one counts. */
function defaultAction(json: Buffer): string | undefined {
  try {
    const members = foldedMembers(objectNode(parseJson(json)), 'defaultAction');
    return members
      .filter(({ kind }) => kind !== 'null')
      .map(readString)
      .at(-1);
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

/** The statement of a rule about CRI-O on a node without it. */
export function noCrio(): Statement {
  return { result: 'notapplicable', reason: 'no-crio', message: 'CRI-O is not on this node' };
}
