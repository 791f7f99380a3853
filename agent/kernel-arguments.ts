/** Arguments of a kernel command line, in order, up to `--`: what follows is for init. */
export type KernelArguments = readonly KernelArgument[];

export interface KernelArgument {
  readonly name: string;
  /** Absent for an argument without `=`. */
  readonly value?: string;
}

/** Splits a command line as the kernel does: at white space outside double quotes (kernel-parameters). */
export function parseKernelArguments(text: string): KernelArguments {
  const words: readonly string[] = text.match(/(?:"[^"]*"?|[^\s"])+/g) ?? [];
  const end = words.indexOf('--');
  return (end === -1 ? words : words.slice(0, end)).map((word) => {
    const bare = word.replaceAll('"', '');
    const equals = bare.indexOf('=');
    if (equals === -1) return { name: bare };
    return { name: bare.slice(0, equals), value: bare.slice(equals + 1) };
  });
}

/**
 * What the last argument of this name switches; undefined where none does. The kernel takes a number (decimal,
 * octal or hexadecimal) and ignores anything else.
 */
export function switchOf(args: KernelArguments, name: string): boolean | undefined {
  const last = args.findLast((arg) => arg.name === name && NUMBER.test(arg.value ?? ''));
  return last?.value === undefined ? undefined : !ZERO.test(last.value);
}

const NUMBER = /^\+?(?:0x[0-9a-f]+|[0-9]+)$/i;
const ZERO = /^\+?(?:0x)?0+$/i;

/** True where an argument of this name is present, whatever its value. */
export function hasArgument(args: KernelArguments, name: string): boolean {
  return args.some((arg) => arg.name === name);
}
