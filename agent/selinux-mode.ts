import { whereReadable } from './check.ts';
import type { Host } from './host.ts';

export const ENFORCE: string = '/sys/fs/selinux/enforce';
const FILE_SYSTEMS = '/proc/filesystems';
const INIT_LABEL = '/proc/1/attr/current';

export type SelinuxMode = 'enforcing' | 'permissive' | 'disabled';

/** Mode of the running kernel (selinuxfs, proc(5)); undefined where it cannot be told from here. */
export async function currentMode(host: Host): Promise<SelinuxMode | undefined> {
  const enforce = (await host.readText(ENFORCE))?.trim();
  if (enforce === '1') return 'enforcing';
  if (enforce === '0') return 'permissive';
  const fileSystems = await host.readText(FILE_SYSTEMS);
  if (fileSystems === undefined) return undefined;
  if (!/\bselinuxfs$/m.test(fileSystems)) return 'disabled';
  // The kernel has SELinux: either its file system is not mounted into our view, or no policy was ever loaded.
  const label = await whereReadable(host.readText(INIT_LABEL));
  return label?.replace(/\0$/, '').trim() === 'kernel' ? 'disabled' : undefined;
}
