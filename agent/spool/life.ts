import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureFolder } from '../folder.ts';
import { EMPTY_HEAD, type Head, readHead, writeHead } from './head.ts';
import { Segments } from './segments.ts';

/** One life of the spool on disk: its name goes on the wire as `epoch`. */
export interface Life {
  readonly epoch: string;
  readonly folder: string;
  readonly segments: Segments;
  /** As found; what the segments hold may be further. */
  readonly head: Head;
  readonly headFile: FileHandle;
}

const NAME = /^(\d{6})-[0-9a-f-]{36}$/;

/**
 * The newest life in the folder, or a new one when there is none, or when the newest was written by a later
 * version of this program: that one stays where it is, for when that version is back.
 */
export async function openLife(folder: string, segmentBytes: number): Promise<Life> {
  await ensureFolder(folder);
  const newest = await newestName(folder);
  const found = newest === undefined ? 'newer' : await tryLife(folder, newest, segmentBytes);
  return found === 'newer' ? await createLife(folder, segmentBytes) : found;
}

export async function createLife(folder: string, segmentBytes: number): Promise<Life> {
  const count = Number(NAME.exec((await newestName(folder)) ?? '')?.[1] ?? 0) + 1;
  const epoch = `${String(count).padStart(6, '0')}-${randomUUID()}`;
  const life = await tryLife(folder, epoch, segmentBytes);
  if (life === 'newer') throw new Error(`a new folder holds files: ${epoch}`);
  await writeHead(life.headFile, EMPTY_HEAD);
  return life;
}

async function newestName(folder: string): Promise<string | undefined> {
  return (await readdir(folder))
    .filter((name) => NAME.test(name))
    .sort()
    .at(-1);
}

async function tryLife(
  parent: string,
  epoch: string,
  segmentBytes: number,
): Promise<Life | 'newer'> {
  const folder = join(parent, epoch);
  const segments = await Segments.open(folder, segmentBytes);
  if (segments === 'newer') return 'newer';
  const path = join(folder, 'head');
  const head = readHead(await readIfThere(path));
  if (head === 'newer') return 'newer';
  const headFile = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  return { epoch, folder, segments, head: head ?? EMPTY_HEAD, headFile };
}

async function readIfThere(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}
