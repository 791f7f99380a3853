import type { Finding } from '../../shared/findings.ts';
import { ask, type Check, type CheckContext, type Statement } from '../check.ts';
import { CONTAINER_FOLDER } from '../container-store.ts';
import { CONTAINERS_CONF_DROP_INS } from '../containers-conf.ts';
import { CRIO_FOLDER, crioBoolean, readCrioConfig } from '../crio-config.ts';
import { MACHINE_CONFIG_FOLDER } from '../desired/machine-config.ts';
import type { Host } from '../host.ts';
import { KUBELET_CONFIG, readKubeletConfig } from '../kubelet-config.ts';
import { crioMinor } from '../versions.ts';
import * as rules from './rules/seccomp.ts';
import { containersFiltered } from './seccomp-containers.ts';
import { LOCALHOST_PROFILES, localhostProfiles } from './seccomp-localhost.ts';
import { crioProfile, noCrio, podmanProfile } from './seccomp-profile.ts';

const ACTIONS = '/proc/sys/kernel/seccomp/actions_avail';
const KERNEL_RELEASE = '/proc/sys/kernel/osrelease';
/** What a default profile is made of. */
const NEEDED_ACTIONS = ['errno', 'kill_process'];
/** From this CRI-O 1.x on `seccomp_use_default_when_empty` does nothing. */
const DEAD_SETTING_MINOR = 30;

/** Seccomp: what the kernel offers, what processes of containers really have, and what CRI-O is told. */
export const seccomp: Check = {
  id: 'seccomp',
  title: 'Containers run behind a seccomp filter',
  rules: [
    rules.kernelSupport,
    rules.containersFiltered,
    rules.crioProfile,
    rules.podmanProfile,
    rules.legacyOverride,
    rules.kubeletDefault,
    rules.localhostProfiles,
  ],
  watches: [
    CRIO_FOLDER,
    `${CRIO_FOLDER}/crio.conf.d`,
    '/etc/kubernetes',
    '/etc/containers',
    CONTAINERS_CONF_DROP_INS,
    '/usr/share/containers',
    MACHINE_CONFIG_FOLDER,
    LOCALHOST_PROFILES,
    CONTAINER_FOLDER,
  ],
  run,
};

async function run(context: CheckContext, signal: AbortSignal): Promise<readonly Finding[]> {
  const { host } = context;
  return [
    ...(await ask(rules.kernelSupport, () => kernelSupport(host))),
    ...(await ask(rules.containersFiltered, () => containersFiltered(context, signal))),
    ...(await ask(rules.crioProfile, () => crioProfile(context))),
    ...(await ask(rules.podmanProfile, () => podmanProfile(host))),
    ...(await ask(rules.legacyOverride, () => legacyOverride(host))),
    ...(await ask(rules.kubeletDefault, () => kubeletDefault(host))),
    ...(await ask(rules.localhostProfiles, () => localhostProfiles(context, signal))),
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
