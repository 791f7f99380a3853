import type { Finding } from '../../shared/findings.ts';
import { ask, type Check, type CheckContext, type Statement } from '../check.ts';
import {
  containerConfig,
  type RunningContainer,
  runningContainers,
  seccompMode,
} from '../containers.ts';
import { CRIO_FOLDER, crioBoolean, crioText, readCrioConfig } from '../crio-config.ts';
import { desiredState } from '../desired/desired.ts';
import { MACHINE_CONFIG_FOLDER } from '../desired/machine-config.ts';
import { inspectFile } from '../files.ts';
import type { Host } from '../host.ts';
import { KUBELET_CONFIG, readKubeletConfig } from '../kubelet-config.ts';
import { crioMinor } from '../versions.ts';
import { driftOf } from './drift.ts';
import * as rules from './rules/seccomp.ts';

const ACTIONS = '/proc/sys/kernel/seccomp/actions_avail';
const KERNEL_RELEASE = '/proc/sys/kernel/osrelease';
/** What a default profile is made of. */
const NEEDED_ACTIONS = ['errno', 'kill_process'];
/** From this CRI-O 1.x on `seccomp_use_default_when_empty` does nothing. */
const DEAD_SETTING_MINOR = 30;
/** Default actions that let through whatever a profile does not name. */
const OPEN_ACTIONS: ReadonlySet<string> = new Set(['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG']);

/** Seccomp: what the kernel offers, what processes of containers really have, and what CRI-O is told. */
export const seccomp: Check = {
  id: 'seccomp',
  title: 'Containers run behind a seccomp filter',
  rules: [
    rules.kernelSupport,
    rules.containersFiltered,
    rules.crioProfile,
    rules.legacyOverride,
    rules.kubeletDefault,
  ],
  watches: [
    CRIO_FOLDER,
    `${CRIO_FOLDER}/crio.conf.d`,
    '/etc/kubernetes',
    '/usr/share/containers',
    MACHINE_CONFIG_FOLDER,
  ],
  run,
};

async function run(context: CheckContext, signal: AbortSignal): Promise<readonly Finding[]> {
  const { host } = context;
  return [
    ...(await ask(rules.kernelSupport, () => kernelSupport(host))),
    ...(await ask(rules.containersFiltered, () => containersFiltered(host, signal))),
    ...(await ask(rules.crioProfile, () => crioProfile(context))),
    ...(await ask(rules.legacyOverride, () => legacyOverride(host))),
    ...(await ask(rules.kubeletDefault, () => kubeletDefault(host))),
  ];
}

async function kernelSupport(host: Host): Promise<Statement> {
  const text = await host.readText(ACTIONS);
  if (text === undefined) {
    if ((await host.readText(KERNEL_RELEASE)) === undefined) {
      return { result: 'error', reason: 'not-visible', message: `${ACTIONS} is not visible here` };
    }
    const message = 'the kernel has no seccomp filters';
    return { result: 'fail', reason: 'no-kernel-support', message };
  }
  const actions = text.split(/\s+/).filter((word) => word !== '');
  const observed = { actions: actions.join(' ') };
  const lacking = NEEDED_ACTIONS.filter((action) => !actions.includes(action));
  if (lacking.length > 0) {
    const message = `the kernel does not offer ${lacking.join(' and ')}`;
    return { result: 'fail', reason: 'no-kernel-support', message, observed };
  }
  return { result: 'pass', message: `the kernel offers ${NEEDED_ACTIONS.join(' and ')}`, observed };
}

async function containersFiltered(
  host: Host,
  signal: AbortSignal,
): Promise<Statement | readonly Statement[]> {
  const containers = await runningContainers(host, signal);
  if (containers === undefined) {
    const message = 'the processes of the node are not visible in /proc';
    return { result: 'error', reason: 'not-visible', message };
  }
  if (containers.length === 0) {
    const message = 'no container is running';
    return { result: 'notapplicable', reason: 'no-containers', message };
  }
  const failing: Statement[] = [];
  let privileged = 0;
  for (const container of containers) {
    signal.throwIfAborted();
    if (!(await isUnfiltered(host, container))) continue;
    const config = await containerConfig(host, container.id);
    if (config?.isSandbox === true) continue;
    if (config?.isPrivileged === true) privileged++;
    else failing.push(unfiltered(container, config));
  }
  if (failing.length > 0) return failing;
  const except = privileged === 0 ? '' : `, except ${privileged} privileged`;
  const message = `${containers.length} containers run with a seccomp filter${except}`;
  return { result: 'pass', message, observed: { unfiltered: 0 } };
}

async function isUnfiltered(host: Host, { pids }: RunningContainer): Promise<boolean> {
  for (const pid of pids) if ((await seccompMode(host, pid)) === 0) return true;
  return false;
}

function unfiltered(
  { id, runtime }: RunningContainer,
  config: Awaited<ReturnType<typeof containerConfig>>,
): Statement {
  const subject = config?.name ?? id.slice(0, 12);
  const why =
    config === undefined
      ? '; its config.json is not there, so whether it is privileged is unknown'
      : config.seccompProfile === undefined
        ? ''
        : `; it was started with the profile ${config.seccompProfile}`;
  return {
    subject,
    result: 'fail',
    reason: 'unfiltered',
    message: `the container ${subject} runs without a seccomp filter${why}`,
    observed: {
      filtered: false,
      runtime,
      privileged: config?.isPrivileged ?? null,
      profile: config?.seccompProfile ?? null,
    },
    expected: { filtered: true },
  };
}

async function crioProfile({ host, baseline }: CheckContext): Promise<Statement> {
  const config = await readCrioConfig(host);
  if (config === undefined) return noCrio();
  const setting = crioText(config, 'crio', 'runtime', 'seccomp_profile');
  const profile = setting?.value ?? '';
  const observed = { profile, path: setting?.path ?? null };
  if (setting === undefined || profile === '') {
    return { result: 'pass', message: 'CRI-O uses its built-in profile', observed };
  }
  if (profile === 'unconfined') {
    const message = `${setting.path} sets seccomp_profile = "unconfined"`;
    return { result: 'fail', reason: 'unconfined', message, observed };
  }
  const bytes = await host.readBytes(profile);
  if (bytes === undefined) {
    const message = `${profile} does not exist, named by ${setting.path}: CRI-O cannot start with it`;
    return { result: 'fail', reason: 'missing', message, observed };
  }
  const action = defaultAction(bytes.toString());
  const seen = { ...observed, defaultAction: action ?? null };
  if (action === undefined) {
    const message = `${profile} is no seccomp profile: expected JSON with a defaultAction`;
    return { result: 'fail', reason: 'invalid', message, observed: seen };
  }
  if (OPEN_ACTIONS.has(action)) {
    const message = `${profile} lets through what it does not name (${action})`;
    return { result: 'fail', reason: 'allow-default', message, observed: seen };
  }
  const desired = await desiredState(host, baseline);
  const drift = desired.file(profile) && driftOf(await inspectFile(host, desired, profile));
  if (drift !== undefined && drift.result !== 'pass') return drift;
  if (drift !== undefined || profile.startsWith('/usr/')) {
    const message = `CRI-O uses ${profile}, which refuses what it does not name`;
    return { result: 'pass', message, observed: seen };
  }
  if (!desired.isKnown) {
    const message = `nothing here says whether ${profile} is the profile it should be`;
    return { result: 'unknown', reason: 'no-oracle', message, observed: seen };
  }
  const message = `${profile} is neither of the operating system nor managed`;
  return { result: 'fail', reason: 'unmanaged', message, observed: seen };
}

function defaultAction(json: string): string | undefined {
  try {
    const profile: unknown = JSON.parse(json);
    if (typeof profile !== 'object' || profile === null || !('defaultAction' in profile)) {
      return undefined;
    }
    return typeof profile.defaultAction === 'string' ? profile.defaultAction : undefined;
  } catch {
    return undefined;
  }
}

async function legacyOverride(host: Host): Promise<Statement> {
  const config = await readCrioConfig(host);
  if (config === undefined) return noCrio();
  const key = 'seccomp_use_default_when_empty';
  const setting = crioBoolean(config, 'crio', 'runtime', key);
  const observed = { [key]: setting?.value ?? null, path: setting?.path ?? null };
  if (setting === undefined || setting.value) {
    return { result: 'pass', message: `no file sets ${key} = false`, observed };
  }
  const minor = await crioMinor(host);
  if (minor === undefined) {
    const message = `${setting.path} sets ${key} = false; whether this CRI-O still obeys is unknown`;
    return { result: 'unknown', reason: 'no-version', message, observed };
  }
  if (minor >= DEAD_SETTING_MINOR) {
    const message = `${setting.path} sets ${key} = false, which CRI-O 1.${minor} ignores`;
    return { result: 'pass', message, observed };
  }
  const message = `${setting.path} keeps containers unconfined whose pod asks for nothing`;
  return { result: 'fail', reason: 'weaker-default', message, observed };
}

async function kubeletDefault(host: Host): Promise<Statement> {
  const config = await readKubeletConfig(host);
  if (config === undefined) {
    return {
      result: 'notapplicable',
      reason: 'no-kubelet',
      message: 'kubelet is not on this node',
    };
  }
  const { seccompDefault } = config;
  const observed = { seccompDefault: seccompDefault ?? null };
  if (seccompDefault === true) {
    return { result: 'pass', message: `${KUBELET_CONFIG} sets seccompDefault: true`, observed };
  }
  if (seccompDefault === undefined) {
    const message = `${KUBELET_CONFIG} leaves seccompDefault at its default, false`;
    return { result: 'notapplicable', reason: 'not-expected', message, observed };
  }
  const message = `${KUBELET_CONFIG} sets seccompDefault: false`;
  return { result: 'fail', reason: 'off', message, observed };
}

function noCrio(): Statement {
  return { result: 'notapplicable', reason: 'no-crio', message: 'CRI-O is not on this node' };
}
