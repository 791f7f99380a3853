import { whereReadable } from './check.ts';
import { type Host, HostError } from './host.ts';

/** A process as proc(5) shows it. What a kernel does not say is undefined. */
export interface ProcessState {
  readonly pid: string;
  /** Effective user, as the node counts them: a user namespace does not hide it. */
  readonly uid: number | undefined;
  readonly effective: bigint | undefined;
  readonly ambient: bigint | undefined;
  readonly bounding: bigint | undefined;
  readonly noNewPrivileges: boolean | undefined;
  /** 0 none, 1 strict, 2 filter. */
  readonly seccomp: number | undefined;
}

/** Namespaces that a container can share with the node, by their names in `/proc/<pid>/ns` and in a specification. */
export const SHARED_NAMESPACES = [
  { link: 'pid', type: 'pid', name: 'hostPID' },
  { link: 'ipc', type: 'ipc', name: 'hostIPC' },
  { link: 'net', type: 'network', name: 'hostNetwork' },
] as const;
export type SharedNamespace = (typeof SHARED_NAMESPACES)[number]['name'];

/** `/proc/<pid>/status`; undefined for a process that is gone. */
export async function readProcess(host: Host, pid: string): Promise<ProcessState | undefined> {
  const status = await host.readText(`/proc/${pid}/status`);
  if (status === undefined) return undefined;
  const field = (name: string): string | undefined =>
    new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)?.[1]?.trim();
  const bits = (name: string): bigint | undefined => {
    const text = field(name) ?? '';
    return /^[0-9a-f]{1,16}$/i.test(text) ? BigInt(`0x${text}`) : undefined;
  };
  const [, effectiveUid = ''] = field('Uid')?.split(/\s+/) ?? [];
  const noNewPrivileges = field('NoNewPrivs');
  return {
    pid,
    uid: count(effectiveUid),
    effective: bits('CapEff'),
    ambient: bits('CapAmb'),
    bounding: bits('CapBnd'),
    noNewPrivileges: noNewPrivileges === undefined ? undefined : noNewPrivileges === '1',
    seccomp: count(field('Seccomp') ?? ''),
  };
}

/** The SELinux label of a process; undefined for one that is gone or has none, the error where it may not be read. */
export async function readLabel(host: Host, pid: string): Promise<string | undefined | HostError> {
  try {
    const text = await host.readText(`/proc/${pid}/attr/current`);
    return text?.replace(/\0$/, '').trim() || undefined;
  } catch (error) {
    if (error instanceof HostError) return error;
    throw error;
  }
}

/** True where users of the process are those of the node; undefined where nothing tells. */
export async function hasOwnUsers(host: Host, pid: string): Promise<boolean | undefined> {
  const text = (await whereReadable(host.readText(`/proc/${pid}/uid_map`)))?.trim();
  if (text === undefined || text === '') return undefined;
  return !/^0\s+0\s+4294967295$/.test(text);
}

/** Links of `/proc/<pid>/ns`, by the names of `SHARED_NAMESPACES`. */
export type NamespaceLinks = ReadonlyMap<SharedNamespace, string>;

/**
 * The namespaces a process is in. Reading them takes CAP_SYS_PTRACE: the error without it; undefined where they are not
 * there.
 */
export async function readNamespaces(
  host: Host,
  pid: string,
): Promise<NamespaceLinks | HostError | undefined> {
  const links = new Map<SharedNamespace, string>();
  try {
    for (const { link, name } of SHARED_NAMESPACES) {
      const target = await host.readLink(`/proc/${pid}/ns/${link}`);
      if (target === undefined) return undefined;
      links.set(name, target);
    }
  } catch (error) {
    if (error instanceof HostError) return error;
    throw error;
  }
  return links;
}

function count(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
