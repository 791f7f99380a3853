import { whereReadable } from '../check.ts';
import type { Host } from '../host.ts';

export const SELINUXFS: string = '/sys/fs/selinux';
export const ENFORCE: string = `${SELINUXFS}/enforce`;
export const CONFIG: string = '/etc/selinux/config';
const FILE_SYSTEMS = '/proc/filesystems';
const INIT_LABEL = '/proc/1/attr/current';

export type Mode = 'enforcing' | 'permissive' | 'disabled';

/** Mode of the running kernel; undefined where it cannot be told from here. See selinux(8). */
export async function currentMode(host: Host): Promise<Mode | undefined> {
  const enforce = (await host.readText(ENFORCE))?.trim();
  if (enforce === '1') return 'enforcing';
  // RHEL 9 and later come up so by SELINUX=disabled: selinuxfs is there, and no policy in force.
  if (enforce === '0') return (await isWithoutPolicy(host)) ? 'disabled' : 'permissive';
  const fileSystems = await host.readText(FILE_SYSTEMS);
  if (fileSystems === undefined) return undefined;
  if (!/\bselinuxfs$/m.test(fileSystems)) return 'disabled';
  // The kernel has SELinux: either its file system is not mounted into our view, or no policy was ever loaded.
  return (await isWithoutPolicy(host)) ? 'disabled' : undefined;
}

/** Until a policy is loaded every process has the kernel's own initial label. */
async function isWithoutPolicy(host: Host): Promise<boolean> {
  const label = await whereReadable(host.readText(INIT_LABEL));
  return label?.replace(/\0$/, '').trim() === 'kernel';
}

/** What libselinux takes where the configuration has no line of this name. */
const DEFAULT_TYPE = 'targeted';

/**
 * Every mode the file names, in order. libselinux takes the first; it takes no white space before the name, nor another
 * case of it, and looks at the front of the value alone.
 */
export async function configuredModes(host: Host): Promise<readonly Mode[] | undefined> {
  const text = await host.readText(CONFIG);
  return text?.split('\n').flatMap((line) => {
    const [, mode] = /^SELINUX=\s*(enforcing|permissive|disabled)/.exec(lowerValue(line)) ?? [];
    // The expression admits nothing but a mode.
    return mode === undefined ? [] : [mode as Mode];
  });
}

function lowerValue(line: string): string {
  const start = line.indexOf('=') + 1;
  return line.slice(0, start) + line.slice(start).toLowerCase();
}

/** `SELINUXTYPE` of the configuration, empty where it names none; undefined where there is no configuration. */
export async function configuredType(host: Host): Promise<string | undefined> {
  const text = await host.readText(CONFIG);
  return text === undefined ? undefined : (typeIn(text) ?? '');
}

/** The policy that libselinux takes by this configuration; undefined where there is none. */
export async function effectiveType(host: Host): Promise<string | undefined> {
  const text = await host.readText(CONFIG);
  return text === undefined ? undefined : (typeIn(text) ?? DEFAULT_TYPE);
}

/** libselinux takes the last line of this name, in any case of it. */
function typeIn(text: string): string | undefined {
  const values = text
    .split('\n')
    .flatMap((line) => /^\s*SELINUXTYPE=(.*)$/is.exec(line)?.[1] ?? []);
  return values.at(-1)?.trim();
}
