import type { Host } from './host.ts';
import { type KernelArguments, parseKernelArguments } from './kernel-arguments.ts';

export const COMMAND_LINE: string = '/proc/cmdline';
export const BOOT_ENTRIES: string = '/boot/loader/entries';
const GRUB_ENVIRONMENT = '/boot/grub2/grubenv';

/** One entry of the boot menu (Boot Loader Specification, type 1). */
export interface BootEntry {
  readonly path: string;
  readonly args: KernelArguments;
  /** Variables of the boot loader in `options` whose value is not known here. */
  readonly unresolved: readonly string[];
}

/** Arguments of the running kernel; undefined where the node's procfs is not visible. */
export async function runningArguments(host: Host): Promise<KernelArguments | undefined> {
  const text = await host.readText(COMMAND_LINE);
  return text === undefined ? undefined : parseKernelArguments(text);
}

/**
 * The entries one of which boots next: the one entry, where the loader's choice is known, else all but rescue
 * entries. Empty where `/boot` shows none (not mounted, or another boot loader).
 */
export async function nextBootEntries(host: Host): Promise<readonly BootEntry[]> {
  const names = ((await host.list(BOOT_ENTRIES)) ?? []).filter((name) => name.endsWith('.conf'));
  if (names.length === 0) return [];
  const variables = await grubVariables(host);
  const entries: BootEntry[] = [];
  for (const name of choose(names, variables)) {
    const path = `${BOOT_ENTRIES}/${name}`;
    const text = await host.readText(path);
    if (text !== undefined) entries.push(parseBootEntry(path, text, variables));
  }
  return entries;
}

/** Reads an entry; `$name` in its options is replaced by the boot loader's variable of that name. */
export function parseBootEntry(
  path: string,
  text: string,
  variables: ReadonlyMap<string, string>,
): BootEntry {
  const unresolved: string[] = [];
  const options = [...text.matchAll(/^[ \t]*options[ \t]+(.*)$/gm)].map(([, line = '']) =>
    line.replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, plain?: string) => {
      const name = braced ?? plain ?? '';
      const value = variables.get(name);
      // tuned leaves its variable unset while it asks for nothing; `kernelopts` unset means a default we do not see.
      if (value === undefined && !name.startsWith('tuned_')) unresolved.push(name);
      return value ?? '';
    }),
  );
  return { path, args: parseKernelArguments(options.join(' ')), unresolved };
}

function choose(names: readonly string[], variables: ReadonlyMap<string, string>): string[] {
  const ostree = names
    .map((name) => ({ name, number: Number(/^ostree-(\d+)/.exec(name)?.[1] ?? -1) }))
    .filter(({ number }) => number >= 0)
    .sort((a, b) => b.number - a.number);
  // ostree numbers its deployments from the oldest up and boots the newest.
  if (ostree[0] !== undefined) return [ostree[0].name];
  const saved = variables.get('next_entry') || variables.get('saved_entry');
  const chosen = names.find((name) => name === `${saved}.conf`);
  if (chosen !== undefined) return [chosen];
  const usual = names.filter((name) => !/-0-rescue/.test(name));
  return usual.length > 0 ? usual : [...names];
}

/** Variables of a GRUB environment block: `name=value` lines, padded with `#`. */
async function grubVariables(host: Host): Promise<ReadonlyMap<string, string>> {
  const text = (await host.readText(GRUB_ENVIRONMENT)) ?? '';
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  return new Map(
    lines.flatMap((line) => {
      const equals = line.indexOf('=');
      return equals > 0 ? [[line.slice(0, equals), line.slice(equals + 1)] as const] : [];
    }),
  );
}
