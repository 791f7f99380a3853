import type { Observed } from '../../shared/findings.ts';
import { COMMAND_LINE, runningArguments } from '../boot.ts';
import { type CheckContext, type Statement, whereReadable } from '../check.ts';
import type { Host } from '../host.ts';
import { type KernelArguments, parseKernelArguments } from '../kernel-arguments.ts';

const SYSCTLS = '/proc/sys';
const LOCKDOWN = '/sys/kernel/security/lockdown';
/** Shown where a profile asks for nothing, so that a person can see what to ask for. */
const USUAL = [
  'kernel.dmesg_restrict',
  'kernel.perf_event_paranoid',
  'kernel.yama.ptrace_scope',
  'kernel.unprivileged_bpf_disabled',
  'kernel.kptr_restrict',
  'kernel.randomize_va_space',
];

/** What the rule `node.kernel-hardening` says: one statement for each value and argument that the profile asks for. */
export async function kernelHardening({
  host,
  values,
}: CheckContext): Promise<Statement | readonly Statement[]> {
  const { sysctls, kernelArguments } = values;
  const asked = Object.entries(sysctls);
  if (asked.length + kernelArguments.length === 0) {
    const message = 'the profile asks for no kernel values and no kernel arguments';
    const observed = await evidence(host, USUAL);
    return { result: 'notapplicable', reason: 'not-expected', message, observed };
  }
  const state = await evidence(host, []);
  const statements: Statement[] = [];
  for (const [name, allowed] of asked) statements.push(await sysctl(host, name, allowed, state));
  if (kernelArguments.length > 0) {
    const args = await runningArguments(host);
    statements.push(...kernelArguments.map((argument) => booted(args, argument, state)));
  }
  return statements;
}

async function sysctl(
  host: Host,
  name: string,
  allowed: readonly string[],
  state: Observed,
): Promise<Statement> {
  const subject = name;
  const value = await readSysctl(host, name);
  const expected = { value: allowed.join(' or ') };
  if (value === undefined && (await host.stat(`${SYSCTLS}/kernel`)) === undefined) {
    return { subject, ...notVisible(SYSCTLS) };
  }
  const observed = { value: value ?? null, ...state };
  if (value === undefined) {
    const message = `this kernel has no ${name}, expected ${expected.value}`;
    return { subject, result: 'fail', reason: 'missing', message, observed, expected };
  }
  if (allowed.includes(value)) {
    return { subject, result: 'pass', message: `${name} is ${value}`, observed, expected };
  }
  const message = `${name} is ${value}, expected ${expected.value}`;
  return { subject, result: 'fail', reason: 'differs', message, observed, expected };
}

function booted(args: KernelArguments | undefined, argument: string, state: Observed): Statement {
  const subject = argument;
  if (args === undefined) return { subject, ...notVisible(COMMAND_LINE) };
  const [wanted] = parseKernelArguments(argument);
  // The kernel takes the last of a name.
  const last = args.findLast(({ name }) => name === wanted?.name);
  const observed = { argument: last === undefined ? null : text(last), ...state };
  const expected = { argument };
  if (last === undefined) {
    const message = `the kernel was booted without ${argument}`;
    return { subject, result: 'fail', reason: 'missing', message, observed, expected };
  }
  if (last.value === wanted?.value) {
    const message = `the kernel was booted with ${argument}`;
    return { subject, result: 'pass', message, observed, expected };
  }
  const message = `the kernel was booted with ${text(last)}, expected ${argument}`;
  return { subject, result: 'fail', reason: 'differs', message, observed, expected };
}

function text({ name, value }: KernelArguments[number]): string {
  return value === undefined ? name : `${name}=${value}`;
}

/** Dots divide, and a slash stands for a dot in a name, as for sysctl(8). */
async function readSysctl(host: Host, name: string): Promise<string | undefined> {
  const path = name.replaceAll(/[./]/g, (mark) => (mark === '.' ? '/' : '.'));
  const value = await host.readText(`${SYSCTLS}/${path}`);
  return value?.trim().replaceAll(/\s+/g, ' ');
}

async function evidence(host: Host, names: readonly string[]): Promise<Observed> {
  const lockdown = await whereReadable(host.readText(LOCKDOWN));
  const tainted = await whereReadable(readSysctl(host, 'kernel.tainted'));
  const seen = await Promise.all(
    names.map(
      async (name) => [name, (await whereReadable(readSysctl(host, name))) ?? null] as const,
    ),
  );
  return {
    ...Object.fromEntries(seen),
    lockdown: /\[(\w+)\]/.exec(lockdown ?? '')?.[1] ?? null,
    tainted: tainted ?? null,
  };
}

function notVisible(path: string): Statement {
  return { result: 'error', reason: 'not-visible', message: `${path} is not visible here` };
}
