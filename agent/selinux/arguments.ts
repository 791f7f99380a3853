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

/** What init makes of an argument of the kernel, and how it stands on the command line. */
export interface EnforcingArgument {
  readonly text: string;
  readonly isEnforcing: boolean;
}

const ENFORCING = 'enforcing=';

/**
 * The argument by which init decides the mode when it loads the policy, whatever the kernel made of it before: libselinux
 * (src/load_policy.c) looks at the first place where `enforcing=` stands, which has to begin a word, and what is no number
 * is 0 to it. Undefined where the configuration decides.
 */
export function enforcingArgument(args: KernelArguments): EnforcingArgument | undefined {
  const texts = args.map(({ name, value }) => (value === undefined ? name : `${name}=${value}`));
  const text = texts.find((one) => one.includes(ENFORCING));
  if (text?.startsWith(ENFORCING) !== true) return undefined;
  const number = Number.parseInt(text.slice(ENFORCING.length), 10) || 0;
  return number < 0 ? undefined : { text, isEnforcing: number !== 0 };
}
