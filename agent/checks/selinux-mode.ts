import { nextBootEntries, runningArguments } from '../boot.ts';
import { type Statement, whereReadable } from '../check.ts';
import type { Host } from '../host.ts';
import type { KernelArguments } from '../kernel-arguments.ts';
import { enforcingArgument, switchedOffBy } from '../selinux/arguments.ts';
import { CONFIG, configuredModes, ENFORCE, type Mode } from '../selinux/mode.ts';

/** The mode of the running kernel, and whether it stays: files alone prove neither. */
export async function enforcing(host: Host, mode: Mode | undefined): Promise<Statement> {
  if (mode === undefined) {
    return notVisible(
      ENFORCE,
      'selinuxfs is not visible here, so the mode of the kernel is unknown',
    );
  }
  const configured = await whereReadable(namedModes(host));
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

/** The modes of the configuration; none of one that is not there, which is not the same as one that cannot be read. */
async function namedModes(host: Host): Promise<readonly Mode[]> {
  return (await configuredModes(host)) ?? [];
}

function permissiveCause(
  configured: readonly Mode[] | undefined,
  args: KernelArguments | undefined,
): string {
  const argument = args && enforcingArgument(args);
  if (argument?.isEnforcing === false) return `booted permissive by ${argument.text}`;
  if (configured?.[0] === 'permissive') return 'configured permissive';
  if (argument === undefined && configured?.length === 0) return 'no mode is configured';
  if (args === undefined || configured === undefined) return 'by what is not visible here';
  return 'switched at runtime (setenforce 0)';
}

function disabledCause(
  configured: readonly Mode[] | undefined,
  args: KernelArguments | undefined,
): string {
  const argument = args && switchedOffBy(args);
  if (argument !== undefined) return `switched off by ${argument}`;
  if (configured?.[0] === 'disabled') return 'configured disabled';
  return 'the kernel runs without it';
}

/** Mode after the next boot, as far as it is visible: arguments overrule the configuration, without either it is permissive. */
async function nextMode(
  host: Host,
  configured: readonly Mode[] | undefined,
): Promise<Mode | undefined> {
  const byFile = configured && (configured[0] ?? 'permissive');
  const entries = (await whereReadable(nextBootEntries(host))) ?? [];
  const modes = entries.map(({ args }): Mode | undefined => {
    if (switchedOffBy(args) !== undefined) return 'disabled';
    if (byFile === 'disabled') return 'disabled';
    const forced = enforcingArgument(args);
    if (forced === undefined) return byFile;
    return forced.isEnforcing ? 'enforcing' : 'permissive';
  });
  if (modes.length === 0) return byFile;
  return modes.find((mode) => mode !== undefined && mode !== 'enforcing');
}

/** What the configuration asks of the next boot. See selinux_config(5). */
export async function configEnforcing(host: Host): Promise<Statement> {
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

export function notVisible(subject: string, message: string): Statement {
  return { subject, result: 'error', reason: 'not-visible', message };
}

/** What rules on the running policy say where no policy runs. */
export function switchedOff(): Statement {
  const message = 'SELinux is disabled, so no policy runs';
  return { result: 'notapplicable', reason: 'selinux-off', message };
}
