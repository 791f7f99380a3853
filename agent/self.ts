import { getFips } from 'node:crypto';
import { whereReadable } from './check.ts';
import type { Host } from './host.ts';

/** A mount as this process sees it, proc_pid_mountinfo(5). */
export interface Mount {
  readonly point: string;
  readonly isWritable: boolean;
}

/** The process that looks, as its kernel and its Node.js show it; what is not visible is undefined. */
export interface SelfFacts {
  readonly bootId: string | undefined;
  /** Type of its SELinux context: `spc_t`. */
  readonly selinuxType: string | undefined;
  /** proc_pid_status(5): 0 none, 2 a filter. */
  readonly seccompMode: number | undefined;
  /** Effective, 16 hexadecimal digits. */
  readonly capabilities: string | undefined;
  readonly noNewPrivileges: boolean | undefined;
  readonly mounts: readonly Mount[];
  readonly openssl: string;
  /** Whether this Node.js calculates with validated algorithms only. */
  readonly isFips: boolean;
}

const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** `machine`: the file system as this process sees it. */
export async function readSelf(machine: Host): Promise<SelfFacts> {
  const text = async (path: string): Promise<string | undefined> =>
    await whereReadable(machine.readText(path));
  const status = (await text('/proc/self/status')) ?? '';
  const line = (name: string): string | undefined =>
    new RegExp(`^${name}:\\s*(\\S+)$`, 'm').exec(status)?.[1];
  const context = (await text('/proc/self/attr/current'))?.replace('\0', '').trim();
  const seccomp = line('Seccomp');
  const noNewPrivileges = line('NoNewPrivs');
  return {
    bootId: (await text(BOOT_ID))?.trim(),
    selinuxType: context?.split(':')[2],
    seccompMode: seccomp === undefined ? undefined : Number(seccomp),
    capabilities: line('CapEff'),
    noNewPrivileges: noNewPrivileges === undefined ? undefined : noNewPrivileges === '1',
    mounts: mountsIn((await text('/proc/self/mountinfo')) ?? ''),
    openssl: process.versions.openssl ?? 'none',
    isFips: getFips() === 1,
  };
}

/** True where the host root is of the machine that this process runs on: a copy or an image of a node has no such boot. */
export async function isThisMachine(host: Host, { bootId }: SelfFacts): Promise<boolean> {
  if (host.root === '/') return true;
  const theirs = (await whereReadable(host.readText(BOOT_ID)))?.trim();
  return bootId !== undefined && theirs === bootId;
}

/** Mounts in the form of proc_pid_mountinfo(5); a later mount on the same place hides an earlier one. */
export function mountsIn(mountinfo: string): readonly Mount[] {
  const byPoint = new Map<string, Mount>();
  for (const line of mountinfo.split('\n')) {
    const [own = '', filesystem = ''] = line.split(' - ');
    const [, , , , escaped, options] = own.split(' ');
    const superOptions = filesystem.split(' ')[2];
    if (escaped === undefined || options === undefined || superOptions === undefined) continue;
    const point = escaped.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    byPoint.set(point, { point, isWritable: isWritable(options) && isWritable(superOptions) });
  }
  return [...byPoint.values()];
}

function isWritable(options: string): boolean {
  return options.split(',').includes('rw');
}

/**
 * The mounts through which a host root is seen: itself, or the uppermost ones below it. What the node mounts below
 * those came with them and keeps its own options.
 */
export function topMounts(mounts: readonly Mount[], root: string): readonly Mount[] {
  const inside = mounts.filter(({ point }) => isWithin(point, root));
  return inside.filter(
    ({ point }) => !inside.some((other) => other.point !== point && isWithin(point, other.point)),
  );
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
}
