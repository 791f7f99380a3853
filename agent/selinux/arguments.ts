import { type KernelArguments, switchOf } from '../kernel-arguments.ts';

/**
 * The argument by which a kernel has no SELinux, as it stands there: `selinux=0`, a list of security modules without it, or
 * another one in its place. The list overrules the latter; of each the last counts (security/security.c of Linux).
 */
export function switchedOffBy(args: KernelArguments): string | undefined {
  if (switchOf(args, 'selinux') === false) return 'selinux=0';
  const list = lastValue(args, 'lsm');
  if (list !== undefined) return list.split(',').includes('selinux') ? undefined : `lsm=${list}`;
  const major = lastValue(args, 'security');
  return major === undefined || major === 'selinux' ? undefined : `security=${major}`;
}

/** An argument without `=` says nothing. */
function lastValue(args: KernelArguments, name: string): string | undefined {
  return args.findLast((arg) => arg.name === name && arg.value !== undefined)?.value;
}
