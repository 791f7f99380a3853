import { isFileError } from './check.ts';
import type { DesiredFile, DesiredState } from './desired/desired.ts';
import { digestsOf } from './digests.ts';
import { type Host, HostError, type HostStat, isReadingReason } from './host.ts';

/**
 * What a file is to those who manage the node: as desired or not (`managed`, `managed-drift`), as the operating
 * system ships it or not (`vendor`, `vendor-modified`), nobody's (`unmanaged`), or not to be told because it, or
 * what is desired, cannot be read (`unknown`).
 */
export type FileClass =
  | 'managed'
  | 'managed-drift'
  | 'vendor'
  | 'vendor-modified'
  | 'unmanaged'
  | 'unknown';

/** A file of the node as it is. Hashes only: its content never leaves the node. */
export interface InspectedFile {
  readonly path: string;
  /** `sha256:…`; null for what does not exist or was not read, then `reason` says why. */
  readonly sha256: string | null;
  /** Permission bits, of what a link leads to; null for what does not exist or cannot be looked at. */
  readonly mode: number | null;
  readonly uid: number | null;
  readonly gid: number | null;
  readonly class: FileClass;
  /**
   * `missing`, `dangling-link`, a reason of reading (`permission`, `not-a-file`, …), `desired-unknown`: what it should
   * be cannot be read, or `link`: it is a link where the machine-config-operator wants the file itself.
   */
  readonly reason?: string;
  /** Of a file that is too large to be hashed. */
  readonly bytes?: number;
  readonly expectedSha256?: string;
  readonly expectedMode?: number;
  readonly expectedUid?: number;
  readonly expectedGid?: number;
  /** Who manages it: the name of a MachineConfig, or who accepted the baseline when. */
  readonly manager?: string;
}

/** Where an operating system of ostree keeps its own copy of /etc; there is none where packages bring the files. */
export const VENDOR_ETC = '/usr/etc';

/** One file, compared with what it should be. Never throws for a state of the node. */
export async function inspectFile(
  host: Host,
  desired: DesiredState,
  path: string,
): Promise<InspectedFile> {
  const { isLink, ...seen } = await see(host, path);
  const want = wanted(desired, path);
  if (want === 'unknown')
    return { ...seen, reason: seen.reason ?? 'desired-unknown', class: 'unknown' };
  if (want !== undefined) return { ...seen, ...compare(seen, isLink, want) };
  const isUnread = seen.reason !== undefined && isReadingReason(seen.reason);
  // What it is called is enough to tell that nobody brought it.
  if (isUnread && seen.reason !== 'too-large') return { ...seen, class: 'unknown' };
  return { ...seen, class: await classOfUnmanaged(host, seen) };
}

type Seen = Omit<InspectedFile, 'class'>;

function compare(
  seen: Seen,
  isLink: boolean,
  want: DesiredFile,
): Partial<InspectedFile> & Pick<InspectedFile, 'class'> {
  const { reason } = seen;
  const isOther = isLink && want.source === 'machine-config' && seen.sha256 !== null;
  const isLacking = want.isOptional === true && reason === 'missing';
  const isEqual =
    isLacking ||
    (!isOther &&
      seen.sha256 === want.sha256 &&
      seen.mode === want.mode &&
      (want.uid ?? seen.uid) === seen.uid &&
      (want.gid ?? seen.gid) === seen.gid);
  const isUnread = reason !== undefined && isReadingReason(reason);
  return {
    ...(isOther ? { reason: 'link' } : {}),
    class: isUnread ? 'unknown' : isEqual ? 'managed' : 'managed-drift',
    expectedSha256: want.sha256,
    expectedMode: want.mode,
    ...(want.uid === undefined ? {} : { expectedUid: want.uid }),
    ...(want.gid === undefined ? {} : { expectedGid: want.gid }),
    manager: want.name,
  };
}

async function see(host: Host, path: string): Promise<Seen & { readonly isLink: boolean }> {
  let isLink = false;
  let target: HostStat | undefined;
  try {
    const own = await host.lstat(path);
    isLink = own?.kind === 'link';
    target = isLink ? await host.stat(path) : own;
    const sha256 = target && (await digestsOf(host).of(path));
    if (target === undefined || sha256 === undefined) {
      return { ...unseen(path, isLink ? 'dangling-link' : 'missing'), isLink };
    }
    const { mode, uid, gid } = target;
    return { path, sha256, mode, uid, gid, isLink };
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    const { reason } = error;
    if (target === undefined) return { ...unseen(path, reason), isLink };
    const { mode, uid, gid, size } = target;
    const bytes = reason === 'too-large' ? { bytes: size } : {};
    return { path, sha256: null, mode, uid, gid, reason, ...bytes, isLink };
  }
}

/** What stands for a path that could not be looked at. */
export function unseen(path: string, reason: string): Omit<InspectedFile, 'class'> {
  return { path, sha256: null, mode: null, uid: null, gid: null, reason };
}

function wanted(desired: DesiredState, path: string): DesiredFile | 'unknown' | undefined {
  try {
    return desired.file(path);
  } catch (error) {
    if (isFileError(error)) return 'unknown';
    throw error;
  }
}

/** /usr itself cannot be written where the operating system is an image. */
async function classOfUnmanaged(host: Host, seen: Seen): Promise<FileClass> {
  const { path, reason } = seen;
  // /usr/local is a link to /var, and not the image's.
  if (path.startsWith('/usr/')) return path.startsWith('/usr/local/') ? 'unmanaged' : 'vendor';
  if (!path.startsWith('/etc/')) return 'unmanaged';
  const copy = await see(host, `${VENDOR_ETC}${path.slice('/etc'.length)}`);
  if (copy.reason === 'missing' || copy.reason === 'dangling-link') return 'unmanaged';
  if (copy.reason !== undefined || reason === 'too-large') return 'unknown';
  const isSame = (['sha256', 'mode', 'uid', 'gid'] as const).every((of) => copy[of] === seen[of]);
  return isSame ? 'vendor' : 'vendor-modified';
}
