import { createHash, hash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { PACKAGE_FOLDER, VERSION } from '../shared/version.ts';
import { PROFILE_FOLDER } from './profile-file.ts';
import { turnDue } from './turns.ts';

/** The programs as they lie on this machine or in this container. */
export interface OwnFiles {
  readonly version: string;
  readonly folder: string;
  readonly count: number;
  /** Over names and contents: the same on every machine with the same installation. */
  readonly sha256: string;
  /** A file or folder of them that everybody may write. */
  readonly writable: string | undefined;
}

/** `dist`, or the sources of a checkout. */
const PROGRAM_FOLDER = join(import.meta.dirname, '..');
const FOLDERS = ['agent', 'aggregator', 'cli', 'shared'];
const WRITABLE_BY_ALL = 0o002;
/** Not declarations and source maps, which nothing runs. */
const PROGRAM = /(?<!\.d)\.(?:js|ts|yaml)$/;

let read: Promise<OwnFiles> | undefined;

/** Read once a process; what other packages bring (node_modules) is not among it. Rejects when they cannot be read. */
export function ownFiles(): Promise<OwnFiles> {
  read ??= readFiles(PACKAGE_FOLDER, [
    join(PACKAGE_FOLDER, 'package.json'),
    PROFILE_FOLDER,
    ...FOLDERS.map((name) => join(PROGRAM_FOLDER, name)),
  ]);
  return read;
}

/**
 * Hashes these files, and the programs and profiles below these folders. Without the thread pool, which for so many small
 * files costs several times the calls.
 */
export async function readFiles(folder: string, places: readonly string[]): Promise<OwnFiles> {
  const all = createHash('sha256');
  let count = 0;
  let writable: string | undefined;
  for (const place of places) {
    for (const path of filesBelow(place)) {
      const due = turnDue();
      if (due !== undefined) await due;
      const stats = lstatSync(path);
      if ((stats.mode & WRITABLE_BY_ALL) !== 0) writable ??= path;
      if (!stats.isFile() || (path !== place && !PROGRAM.test(path))) continue;
      const content = hash('sha256', readFileSync(path));
      all.update(`${relative(folder, path)}\0${content}\n`);
      count++;
    }
  }
  return { version: VERSION, folder, count, sha256: all.digest('hex'), writable };
}

/** The place and what is below it, sorted; links are no part of an installation. */
function filesBelow(place: string): readonly string[] {
  if (!lstatSync(place).isDirectory()) return [place];
  const entries = readdirSync(place, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
  return [place, ...paths].sort();
}
