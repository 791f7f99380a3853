import { posix } from 'node:path';
import { type Host, HostError } from './host.ts';

/** More files than this in one place are counted and not looked at one by one. */
export const MAX_FILES = 512;

/** A folder with the files below it, or the reason why it cannot be listed whole. */
export interface FolderFiles {
  readonly path: string;
  /** Whole paths, sorted by code unit in each folder; what lies deeper than asked for stands as it is: a folder. */
  readonly files: readonly string[];
  /** Counted as far as it was seen, where that is more than `MAX_FILES`; `files` is empty then. */
  readonly tooMany?: number;
  readonly problem?: HostError;
}

/** The files below a folder, `depth` folders deep at most; undefined where there is none. */
export async function filesBelow(
  host: Host,
  path: string,
  depth: number,
): Promise<FolderFiles | undefined> {
  const files: string[] = [];
  try {
    const names = await host.list(path);
    if (names === undefined) {
      const problem = await hiddenBy(host, path);
      return problem && { path, files: [], problem };
    }
    const seen = await walk(host, path, names, depth, files);
    return seen > MAX_FILES ? { path, files: [], tooMany: seen } : { path, files };
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return { path, files: [], problem: error };
  }
}

/**
 * Files `*.conf` of a folder of drop-ins as containers/image and podman walk it (Go's filepath.WalkDir): through a link in the
 * folder's place nobody goes, nor into folders in it. Empty for a folder that is not there. Throws `HostError`.
 */
export async function dropInFiles(host: Host, folder: string): Promise<readonly string[]> {
  if ((await host.lstat(folder))?.kind === 'link') return [];
  const names = ((await host.list(folder)) ?? []).filter((name) => name.endsWith('.conf'));
  const paths = names.map((name) => posix.join(folder, name));
  const kinds = await Promise.all(paths.map(async (path) => (await host.lstat(path))?.kind));
  return paths.filter((_, index) => kinds[index] !== 'folder');
}

/** Deeper folders than this hold no configuration anybody wrote on purpose. */
const MAX_WALK_DEPTH = 8;

/**
 * All files below a folder in the order of Go's filepath.Walk, as CRI-O and kubelet go through theirs: whatever their ending,
 * not through links in it. Empty for a folder that is not there. Throws `HostError`, for one that is not visible here too.
 */
export async function walkedFiles(
  host: Host,
  folder: string,
  depth = 0,
): Promise<readonly string[]> {
  const names = await host.list(folder);
  const hidden = names === undefined ? await hiddenBy(host, folder) : undefined;
  if (hidden !== undefined) throw hidden;
  const paths: string[] = [];
  for (const name of names ?? []) {
    const path = posix.join(folder, name);
    const isFolder = (await host.lstat(path))?.kind === 'folder';
    if (!isFolder) paths.push(path);
    else if (depth < MAX_WALK_DEPTH) paths.push(...(await walkedFiles(host, path, depth + 1)));
  }
  return paths;
}

/** Gives how many it saw; stops with the folder in which they became too many. */
async function walk(
  host: Host,
  folder: string,
  names: readonly string[],
  depth: number,
  files: string[],
): Promise<number> {
  if (files.length + names.length > MAX_FILES) return files.length + names.length;
  for (const name of names) {
    const path = `${folder}/${name}`;
    const isFolder = depth > 0 && (await host.lstat(path))?.kind === 'folder';
    if (!isFolder) {
      files.push(path);
      continue;
    }
    const seen = await walk(host, path, (await host.list(path)) ?? [], depth - 1, files);
    if (seen > MAX_FILES) return seen;
  }
  return files.length;
}

/**
 * A link on the way that leads nowhere here: /usr/local of CoreOS lies in /var, and where that is not mounted into our
 * view the folder only looks as if it were not there.
 */
async function hiddenBy(host: Host, path: string): Promise<HostError | undefined> {
  for (let here = path; here !== '/'; here = posix.dirname(here)) {
    const target = await host.readLink(here);
    if (target === undefined || (await host.resolve(here)) !== undefined) continue;
    return new HostError('ERR_HOST_NOT_VISIBLE', here, `leads to ${target}, not visible here`);
  }
  return undefined;
}
