import type { Json } from '../shared/canonical.ts';
import { sha256 } from '../shared/canonical.ts';
import type { Items } from '../shared/report.ts';
import { isFileError } from './check.ts';
import type { BaselineFile } from './desired/baseline.ts';
import type { DesiredFile, DesiredState } from './desired/desired.ts';
import { type Host, HostError, isReadingReason } from './host.ts';
import { isTrustPath, namedPathsIn, trustFolders, trustPaths } from './trust-places.ts';

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

/** A file of the trust configuration as it is. Hashes only: its content never leaves the node. */
export interface InspectedFile {
  readonly path: string;
  /** `sha256:…`; null for what does not exist or cannot be read, then `reason` says why. */
  readonly sha256: string | null;
  /** Permission bits, of what a link leads to; null like `sha256`. */
  readonly mode: number | null;
  readonly uid: number | null;
  readonly gid: number | null;
  readonly class: FileClass;
  /**
   * `missing`, `dangling-link`, a reason of reading (`permission`, `not-a-file`, …), or `link`: the file is a link
   * where the machine-config-operator wants the file itself.
   */
  readonly reason?: string;
  readonly expectedSha256?: string;
  readonly expectedMode?: number;
  /** Who manages it: the name of a MachineConfig, or who accepted the baseline when. */
  readonly manager?: string;
}

/** The section `files` of a report: every file of the trust configuration by its path. */
export async function inspectFiles(host: Host, desired: DesiredState): Promise<Items> {
  const files = await surveyFiles(host, desired);
  return new Map(files.map((file): [string, Json] => [file.path, { ...file }]));
}

/** The same files, typed, sorted by path. A folder that cannot be listed stands for its files. */
export async function surveyFiles(
  host: Host,
  desired: DesiredState,
): Promise<readonly InspectedFile[]> {
  const folders = await trustFolders(host);
  const paths = new Set([
    ...trustPaths,
    ...desired.paths.filter(isTrustPath),
    ...(await namedPathsIn(host)),
    ...folders.flatMap(({ files }) => files),
  ]);
  const inspected: InspectedFile[] = [];
  for (const path of [...paths].sort()) {
    const file = await inspectFile(host, desired, path);
    // What is not there and nobody asks for is no file.
    const isAskedFor = file.class === 'managed-drift' || file.class === 'vendor-modified';
    if (file.reason !== 'missing' || isAskedFor) inspected.push(file);
  }
  for (const { path, problem } of folders) {
    if (problem !== undefined) inspected.push(unreadable(path, problem.reason));
  }
  return inspected;
}

/** The files of a survey that can be part of a baseline. */
export function acceptableFiles(
  files: readonly InspectedFile[],
): Readonly<Record<string, BaselineFile>> {
  return Object.fromEntries(
    files.flatMap(({ path, sha256, mode }) =>
      sha256 === null || mode === null ? [] : [[path, { sha256, mode }]],
    ),
  );
}

/** One file, compared with what it should be. Never throws for a state of the node. */
export async function inspectFile(
  host: Host,
  desired: DesiredState,
  path: string,
): Promise<InspectedFile> {
  const { isLink, ...seen } = await see(host, path);
  const want = wanted(desired, path);
  if (want === 'unknown') return { ...seen, class: 'unknown' };
  const isUnreadable = seen.reason !== undefined && isReadingReason(seen.reason);
  if (want !== undefined) {
    const isOther = isLink && want.source === 'machine-config' && seen.sha256 !== null;
    const isEqual = !isOther && seen.sha256 === want.sha256 && seen.mode === want.mode;
    return {
      ...seen,
      ...(isOther ? { reason: 'link' } : {}),
      class: isUnreadable ? 'unknown' : isEqual ? 'managed' : 'managed-drift',
      expectedSha256: want.sha256,
      expectedMode: want.mode,
      manager: want.name,
    };
  }
  if (isUnreadable) return { ...seen, class: 'unknown' };
  return { ...seen, class: await classOfUnmanaged(host, seen) };
}

interface Seen extends Omit<InspectedFile, 'class'> {
  readonly isLink: boolean;
}

async function see(host: Host, path: string): Promise<Seen> {
  try {
    const isLink = (await host.lstat(path))?.kind === 'link';
    const target = await host.stat(path);
    const bytes = target && (await host.readBytes(path));
    if (target === undefined || bytes === undefined) {
      return { ...absent(path, isLink ? 'dangling-link' : 'missing'), isLink };
    }
    const { mode, uid, gid } = target;
    return { path, sha256: sha256(bytes), mode, uid, gid, isLink };
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return { ...absent(path, error.reason), isLink: false };
  }
}

function absent(path: string, reason: string): Omit<Seen, 'isLink'> {
  return { path, sha256: null, mode: null, uid: null, gid: null, reason };
}

function unreadable(path: string, reason: string): InspectedFile {
  return { ...absent(path, reason), class: 'unknown' };
}

function wanted(desired: DesiredState, path: string): DesiredFile | 'unknown' | undefined {
  try {
    return desired.file(path);
  } catch (error) {
    if (isFileError(error)) return 'unknown';
    throw error;
  }
}

/** ostree keeps the image's own copy of /etc in /usr/etc; /usr itself cannot be written there. */
async function classOfUnmanaged(
  host: Host,
  { path, sha256: own }: Pick<InspectedFile, 'path' | 'sha256'>,
): Promise<FileClass> {
  if (path.startsWith('/usr/')) return 'vendor';
  if (!path.startsWith('/etc/')) return 'unmanaged';
  const copy = await see(host, `/usr${path}`);
  if (copy.sha256 === null) return 'unmanaged';
  return copy.sha256 === own ? 'vendor' : 'vendor-modified';
}
