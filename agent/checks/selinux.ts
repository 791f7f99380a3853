import type { Finding } from '../../shared/findings.ts';
import { BOOT_ENTRIES, COMMAND_LINE, nextBootEntries, runningArguments } from '../boot.ts';
import { ask, type Check, type CheckContext, type Statement, whereReadable } from '../check.ts';
import { CRIO_FOLDER, crioBoolean, readCrioConfig } from '../crio-config.ts';
import type { Host } from '../host.ts';
import { type KernelArguments, switchOf } from '../kernel-arguments.ts';
import { currentMode, ENFORCE, type SelinuxMode as Mode } from '../selinux-mode.ts';
import * as rules from './rules/selinux.ts';

const CONFIG = '/etc/selinux/config';

/** SELinux mode: what the kernel does and what the next boot will do. See selinux(8), selinux_config(5). */
export const selinux: Check = {
  id: 'selinux',
  title: 'SELinux is enforcing and stays so',
  rules: [
    rules.enforcing,
    rules.configEnforcing,
    rules.policyType,
    rules.kernelArguments,
    rules.crioEnabled,
  ],
  watches: ['/etc/selinux', BOOT_ENTRIES, CRIO_FOLDER, `${CRIO_FOLDER}/crio.conf.d`],
  polls: [ENFORCE],
  run,
};

async function run({ host }: CheckContext, signal: AbortSignal): Promise<readonly Finding[]> {
  signal.throwIfAborted();
  return [
    ...(await ask(rules.enforcing, () => enforcing(host))),
    ...(await ask(rules.configEnforcing, () => configEnforcing(host))),
    ...(await ask(rules.policyType, () => policyType(host))),
    ...(await ask(rules.kernelArguments, () => kernelArguments(host))),
    ...(await ask(rules.crioEnabled, () => crioEnabled(host))),
  ];
}

async function enforcing(host: Host): Promise<Statement> {
  const mode = await currentMode(host);
  if (mode === undefined) {
    return notVisible(
      ENFORCE,
      'selinuxfs is not visible here, so the mode of the kernel is unknown',
    );
  }
  const configured = await whereReadable(configuredModes(host));
  const args = await whereReadable(runningArguments(host));
  const observed = { mode, configured: configured?.[0] ?? null };
  if (mode !== 'enforcing') {
    const cause =
      mode === 'permissive' ? permissiveCause(configured, args) : disabledCause(configured, args);
    const message = `SELinux is ${mode} (${cause}), expected enforcing`;
    return { result: 'fail', reason: mode, message, observed: { ...observed, cause } };
  }
  const next = await nextMode(host, configured);
  if (next !== undefined && next !== 'enforcing') {
    return {
      result: 'fail',
      reason: 'lost-at-reboot',
      severity: 'high',
      message: `SELinux is enforcing now and will be ${next} after the next boot`,
      observed: { ...observed, nextBoot: next },
    };
  }
  return { result: 'pass', message: 'SELinux is enforcing', observed };
}

function permissiveCause(
  configured: readonly Mode[] | undefined,
  args: KernelArguments | undefined,
): string {
  if (args !== undefined && switchOf(args, 'enforcing') === false) {
    return 'booted permissive by enforcing=0';
  }
  if (configured?.[0] === 'permissive') return 'configured permissive';
  return 'switched at runtime (setenforce 0)';
}

function disabledCause(
  configured: readonly Mode[] | undefined,
  args: KernelArguments | undefined,
): string {
  if (args !== undefined && switchOf(args, 'selinux') === false) return 'switched off by selinux=0';
  if (configured?.[0] === 'disabled') return 'configured disabled';
  return 'the kernel runs without it';
}

/** Mode after the next boot, as far as it is visible: kernel arguments overrule the configuration. */
async function nextMode(
  host: Host,
  configured: readonly Mode[] | undefined,
): Promise<Mode | undefined> {
  const entries = (await whereReadable(nextBootEntries(host))) ?? [];
  const modes = entries.map(({ args }): Mode | undefined => {
    if (switchOf(args, 'selinux') === false) return 'disabled';
    if (configured?.[0] === 'disabled') return 'disabled';
    const forced = switchOf(args, 'enforcing');
    if (forced === undefined) return configured?.[0];
    return forced ? 'enforcing' : 'permissive';
  });
  return modes.length === 0 ? configured?.[0] : modes.find((mode) => mode !== 'enforcing');
}

async function configEnforcing(host: Host): Promise<Statement> {
  const modes = await configuredModes(host);
  if (modes === undefined) {
    const message = `${CONFIG} does not exist, expected SELINUX=enforcing in it`;
    return { result: 'fail', reason: 'missing', message, observed: { configured: null } };
  }
  const [first] = modes;
  const observed = { configured: first ?? null, occurrences: modes.length };
  const expected = { configured: 'enforcing', occurrences: 1 };
  if (first === undefined) {
    const message = `${CONFIG} names no mode, expected SELINUX=enforcing`;
    return { result: 'fail', reason: 'missing', message, observed, expected };
  }
  if (first !== 'enforcing') {
    const message = `${CONFIG} says SELINUX=${first}, expected enforcing`;
    return { result: 'fail', reason: first, message, observed, expected };
  }
  if (modes.length > 1) {
    const message = `${CONFIG} says SELINUX= ${modes.length} times (${modes.join(', ')}), expected once`;
    const severity = modes.every((mode) => mode === first) ? 'low' : 'high';
    return { result: 'fail', reason: 'duplicate', severity, message, observed, expected };
  }
  return { result: 'pass', message: `${CONFIG} says SELINUX=enforcing`, observed };
}

/** Every mode the file names, in order. libselinux takes the first, and no white space before the name. */
async function configuredModes(host: Host): Promise<readonly Mode[] | undefined> {
  const text = await host.readText(CONFIG);
  const found = text?.matchAll(/^SELINUX=\s*(enforcing|permissive|disabled)/gim);
  // The expression admits nothing but a mode.
  return found && [...found].map(([, mode = '']) => mode.toLowerCase() as Mode);
}

async function policyType(host: Host): Promise<Statement> {
  const text = await host.readText(CONFIG);
  if (text === undefined) {
    const message = `${CONFIG} does not exist, so no policy is configured`;
    return { result: 'notapplicable', reason: 'no-configuration', message };
  }
  // libselinux takes the last line of this name.
  const type = [...text.matchAll(/^\s*SELINUXTYPE=(.*)$/gim)].at(-1)?.[1]?.trim() ?? '';
  const observed = { type: type === '' ? null : type };
  if (type === 'targeted' || type === 'mls') {
    return { result: 'pass', message: `the configured policy is ${type}`, observed };
  }
  const found = type === '' ? 'names no policy' : `says SELINUXTYPE=${type}`;
  const message = `${CONFIG} ${found}, expected targeted or mls`;
  return { result: 'fail', reason: type === '' ? 'missing' : 'other-policy', message, observed };
}

/** Two answers, for what runs now and for what boots next: either can be invisible by itself. */
async function kernelArguments(host: Host): Promise<readonly Statement[]> {
  return [await runningKernel(host), ...(await nextKernel(host))];
}

async function runningKernel(host: Host): Promise<Statement> {
  const args = await runningArguments(host);
  if (args === undefined) return notVisible(COMMAND_LINE, `${COMMAND_LINE} is not visible here`);
  const off = switchedOff(args);
  const observed = { off: off ?? null };
  const subject = COMMAND_LINE;
  if (off === undefined) {
    const message = 'the kernel was booted without selinux=0 and enforcing=0';
    return { subject, result: 'pass', message, observed };
  }
  const message = `the kernel was booted with ${off}`;
  return { subject, result: 'fail', severity: 'critical', reason: 'booted-off', message, observed };
}

async function nextKernel(host: Host): Promise<readonly Statement[]> {
  const entries = await nextBootEntries(host);
  const bad = entries.flatMap(({ path, args }) => {
    const off = switchedOff(args);
    return off === undefined ? [] : [{ path, off }];
  });
  const [first] = bad;
  const subject = BOOT_ENTRIES;
  if (first !== undefined) {
    const message = `${first.path} boots the kernel with ${first.off}`;
    const observed = { entry: first.path, off: first.off };
    return [{ subject, result: 'fail', reason: 'next-boot-off', message, observed }];
  }
  const unresolved = entries.flatMap((entry) => entry.unresolved);
  if (entries.length === 0 || unresolved.length > 0) {
    const what =
      unresolved.length > 0
        ? `boot entries use $${unresolved[0]}, whose value is not visible here`
        : `${BOOT_ENTRIES} is not visible here`;
    return [notVisible(subject, `${what}, so the arguments of the next boot are unknown`)];
  }
  const message = 'the next boot has neither selinux=0 nor enforcing=0';
  return [{ subject, result: 'pass', message, observed: { off: null } }];
}

function switchedOff(args: KernelArguments): string | undefined {
  if (switchOf(args, 'selinux') === false) return 'selinux=0';
  return switchOf(args, 'enforcing') === false ? 'enforcing=0' : undefined;
}

async function crioEnabled(host: Host): Promise<Statement> {
  const config = await readCrioConfig(host);
  if (config === undefined) {
    return { result: 'notapplicable', reason: 'no-crio', message: 'CRI-O is not on this node' };
  }
  const setting = crioBoolean(config, 'crio', 'runtime', 'selinux');
  const observed = { selinux: setting?.value ?? null, path: setting?.path ?? null };
  if (setting?.value === false) {
    const message = `${setting.path} sets selinux = false, so that containers run unlabelled`;
    return { result: 'fail', reason: 'labels-off', message, observed, expected: { selinux: true } };
  }
  const message =
    setting === undefined
      ? 'CRI-O labels containers when the node has SELinux (its default)'
      : `CRI-O labels containers (${setting.path})`;
  return { result: 'pass', message, observed };
}

function notVisible(subject: string, message: string): Statement {
  return { subject, result: 'error', reason: 'not-visible', message };
}
