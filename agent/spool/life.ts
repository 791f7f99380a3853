import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureFolder } from '../../shared/folder.ts';
import type { EventItem } from '../../shared/protocol.ts';
import { EMPTY_HEAD, type Head, readHead, writeHead } from './head.ts';
import { syncFolder } from './segment.ts';
import { Segments } from './segments.ts';
import { lostIn } from './shed.ts';
import { openSpoolFile, readSpoolFile } from './spool-file.ts';

/** One life of the spool on disk: its name goes on the wire as `epoch`. */
export interface Life {
  readonly epoch: string;
  readonly folder: string;
  readonly segments: Segments;
  /** As found; what the segments hold may be further. */
  readonly head: Head;
  readonly headFile: FileHandle;
  /** Folder of the life before, when a later version of this program wrote it. */
  readonly leftBehind?: string;
}

/** A life that is not yet whole has a name that is none of a life. */
const UNFINISHED = '.new';
/** At most so many records share one fdatasync. */
export const GROUP_RECORDS = 64;
const NAME = /^(\d{6})-[0-9a-f-]{36}$/;

/**
 * The newest life in the folder, or a new one when there is none, or when the newest was written by a later
 * version of this program: that one stays where it is, for when that version is back.
 */
export async function openLife(folder: string, segmentBytes: number): Promise<Life> {
  await ensureFolder(folder);
  for (const name of await readdir(folder)) {
    if (name.endsWith(UNFINISHED)) await rm(join(folder, name), { recursive: true, force: true });
  }
  const newest = await newestName(folder);
  const found = newest === undefined ? 'newer' : await tryLife(folder, newest, segmentBytes);
  if (found !== 'newer') return found;
  const life = await createLife(folder, segmentBytes);
  return newest === undefined ? life : { ...life, leftBehind: join(folder, newest) };
}

export async function createLife(folder: string, segmentBytes: number): Promise<Life> {
  const epoch = await nextName(folder);
  const life = await tryLife(folder, epoch, segmentBytes);
  if (life === 'newer') throw new Error(`a new folder holds files: ${epoch}`);
  try {
    await writeHead(life.headFile, EMPTY_HEAD);
  } catch (error) {
    await life.headFile.close();
    throw error;
  }
  return life;
}

export async function closeLife(life: Life): Promise<void> {
  try {
    await life.segments[Symbol.asyncDispose]();
  } finally {
    await life.headFile.close();
  }
}

/**
 * A new life that holds `items`, numbered from 1. It gets its name when all of it is on disk: until then, and when this
 * rejects, the one before it is the newest.
 */
export async function createLifeOf(
  folder: string,
  segmentBytes: number,
  items: readonly EventItem[],
): Promise<Life> {
  const epoch = await nextName(folder);
  const draft = `${epoch}${UNFINISHED}`;
  try {
    await fillLife(folder, draft, segmentBytes, items);
    await rename(join(folder, draft), join(folder, epoch));
    await syncFolder(folder);
    const life = await tryLife(folder, epoch, segmentBytes);
    if (life === 'newer') throw new Error(`a new life of a later format: ${epoch}`);
    return life;
  } catch (error) {
    // Under either name: else it would be the newest after a restart, without what the old one is given until then.
    for (const name of [draft, epoch]) {
      await rm(join(folder, name), { recursive: true, force: true });
    }
    throw error;
  }
}

async function fillLife(
  folder: string,
  name: string,
  segmentBytes: number,
  items: readonly EventItem[],
): Promise<void> {
  const life = await tryLife(folder, name, segmentBytes);
  if (life === 'newer') throw new Error(`a new folder holds files: ${name}`);
  try {
    for (let at = 0; at < items.length; at += GROUP_RECORDS) {
      await life.segments.append(items.slice(at, at + GROUP_RECORDS));
    }
    const head = { next: items.length + 1, acknowledged: 0, lost: lostIn(items) };
    await writeHead(life.headFile, head);
    await life.headFile.sync();
  } finally {
    await closeLife(life);
  }
  await syncFolder(life.folder);
}

async function nextName(folder: string): Promise<string> {
  const count = Number(NAME.exec((await newestName(folder)) ?? '')?.[1] ?? 0) + 1;
  return `${String(count).padStart(6, '0')}-${randomUUID()}`;
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
  const headFile = await openSpoolFile(path, constants.O_RDWR | constants.O_CREAT);
  return { epoch, folder, segments, head: head ?? EMPTY_HEAD, headFile };
}

async function readIfThere(path: string): Promise<Buffer> {
  try {
    return await readSpoolFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}
