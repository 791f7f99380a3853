import type { Json } from '../shared/canonical.ts';
import type { Items } from '../shared/report.ts';
import { whereReadable } from './check.ts';
import type { BaselineFile } from './desired/baseline.ts';
import type { DesiredState } from './desired/desired.ts';
import { type InspectedFile, inspectFile, unseen, VENDOR_ETC } from './files.ts';
import { type FolderFiles, MAX_FILES } from './folder-files.ts';
import type { Host } from './host.ts';
import { isTrustPath, namedPathsIn, trustFolders, trustPaths } from './trust-places.ts';
import { isWatchedPath, watchedFiles, watchedFolders } from './watched-places.ts';

/** The section `files` of a report: every file of the trust configuration and of watched places by its path. */
export async function inspectFiles(host: Host, desired: DesiredState): Promise<Items> {
  const files = await surveyFiles(host, desired);
  return new Map(files.map((file): [string, Json] => [file.path, { ...file }]));
}

/** A file, or a folder that stands for the files in it. */
export interface SurveyedFile extends InspectedFile {
  /** Of a folder with too many files to be looked at one by one. */
  readonly count?: number;
}

/** The same files, typed, sorted by path. A folder that cannot be listed, or holds too many, stands for its files. */
export async function surveyFiles(
  host: Host,
  desired: DesiredState,
): Promise<readonly SurveyedFile[]> {
  const trust = await trustFolders(host);
  const watched = await watchedFolders(host);
  const paths = new Set([
    ...trustPaths,
    ...watchedFiles,
    ...desired.paths.filter((path) => isTrustPath(path) || isWatchedPath(path)),
    ...(await namedPathsIn(host)),
    ...[...trust, ...watched.filter((one) => !one.namesOnly)].flatMap(({ files }) => files),
  ]);
  const hasOracle = await canTellVendor(host, desired);
  const inspected = new Map<string, SurveyedFile>();
  for (const path of paths) {
    const file = await inspectFile(host, desired, path);
    // What is not there and nobody asks for is no file.
    const isAskedFor = file.class === 'managed-drift' || file.class === 'vendor-modified';
    if (file.reason === 'missing' && !isAskedFor) continue;
    const isElsewhere = isWatchedPath(path) && !isTrustPath(path);
    const isOpen = !hasOracle && file.class === 'unmanaged' && isElsewhere;
    inspected.set(path, isOpen ? { ...file, reason: file.reason ?? 'no-oracle' } : file);
  }
  for (const { files } of watched.filter((one) => one.namesOnly)) {
    for (const path of files) inspected.set(path, await nameOf(host, path));
  }
  for (const folder of [...trust, ...watched]) {
    const stand = standFor(folder);
    if (stand !== undefined) inspected.set(folder.path, stand);
  }
  return [...inspected.values()].sort((one, other) => (one.path < other.path ? -1 : 1));
}

/**
 * The files of a survey, made without a baseline, that a person can accept. Of the trust configuration all; elsewhere
 * not what a MachineConfig or the image speaks for, which the next roll-out would make drift.
 */
export function acceptableFiles(
  files: readonly InspectedFile[],
): Readonly<Record<string, BaselineFile>> {
  return Object.fromEntries(
    files.flatMap((file) => {
      const { path, sha256, mode, uid, gid } = file;
      if (sha256 === null || mode === null || uid === null || gid === null) return [];
      return isSpokenFor(file) ? [] : [[path, { sha256, mode, uid, gid }]];
    }),
  );
}

function isSpokenFor({ path, class: kind }: InspectedFile): boolean {
  const isElsewhere = isWatchedPath(path) && !isTrustPath(path);
  return isElsewhere && (kind === 'managed' || kind === 'managed-drift' || kind === 'vendor');
}

/**
 * True when a file that neither MachineConfig nor image knows is surely somebody's own. Where packages bring the
 * files of /etc one by one, and no image keeps its copy of them, only a baseline tells.
 */
export async function canTellVendor(host: Host, desired: DesiredState): Promise<boolean> {
  if (desired.hasBaseline) return true;
  return (await whereReadable(host.stat(VENDOR_ETC)))?.kind === 'folder';
}

async function nameOf(host: Host, path: string): Promise<SurveyedFile> {
  const found = await host.lstat(path).catch(() => undefined);
  const { mode = null, uid = null, gid = null } = found ?? {};
  return { ...unseen(path, 'name-only'), mode, uid, gid, class: 'unmanaged' };
}

function standFor({ path, problem, tooMany }: FolderFiles): SurveyedFile | undefined {
  if (problem !== undefined) return { ...unseen(path, problem.reason), class: 'unknown' };
  if (tooMany === undefined) return undefined;
  return { ...unseen(path, 'too-many'), class: 'unknown', count: tooMany };
}

/** What a rule says of a folder whose files are not looked at one by one. */
export function tooManyIn({ path, tooMany }: FolderFiles): string {
  return `${path} holds ${tooMany} files, more than the ${MAX_FILES} that are looked at one by one`;
}
