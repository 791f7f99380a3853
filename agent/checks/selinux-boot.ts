import { BOOT_ENTRIES, COMMAND_LINE, nextBootEntries, runningArguments } from '../boot.ts';
import type { Statement } from '../check.ts';
import type { Host } from '../host.ts';
import { type KernelArguments, switchOf } from '../kernel-arguments.ts';
import { enforcingArgument, switchedOffBy } from '../selinux/arguments.ts';
import { notVisible } from './selinux-mode.ts';

/** Two answers, for what runs now and for what boots next: either can be invisible by itself. */
export async function kernelArguments(host: Host): Promise<readonly Statement[]> {
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

/** By the kernel itself, or by init; the kernel takes the last `enforcing=`, init the first. */
function switchedOff(args: KernelArguments): string | undefined {
  const byInit = enforcingArgument(args);
  const permissive = byInit?.isEnforcing === false ? byInit.text : undefined;
  const byKernel = switchOf(args, 'enforcing') === false ? 'enforcing=0' : undefined;
  return switchedOffBy(args) ?? permissive ?? byKernel;
}
