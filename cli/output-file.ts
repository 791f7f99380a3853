import { randomUUID } from 'node:crypto';
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { CliError } from './errors.ts';
import { fileError } from './files.ts';

/**
 * Writes a file as a whole or not at all: until everything is there and on the disk, what was under the name stays. What
 * is no regular file, as /dev/stdout or a pipe, is written to as it is.
 */
export async function writeWhole(path: string, chunks: AsyncIterable<Buffer>): Promise<void> {
  const target = await targetOf(path);
  if (!target.isReplaced) {
    await using file = await openFor(path, target.path, 'w');
    await writeAll(file, path, chunks);
    return;
  }
  const draft = `${target.path}.${randomUUID()}.new`;
  try {
    {
      await using file = await openFor(path, draft, 'wx');
      await writeAll(file, path, chunks);
      await orFileError(path, async () => await file.sync());
    }
    await orFileError(path, async () => await rename(draft, target.path));
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** Where the file really is, so that a link to it stays a link. */
async function targetOf(path: string): Promise<{ path: string; isReplaced: boolean }> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) {
      throw new CliError('ERR_CLI_INPUT', `cannot write ${path}`, {
        why: 'it is a folder, expected a file',
      });
    }
    return { path: await realpath(path), isReplaced: found.isFile() };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { path, isReplaced: true };
    throw error instanceof CliError ? error : fileError(error, `cannot write ${path}`);
  }
}

async function openFor(path: string, place: string, flags: string): Promise<FileHandle> {
  return await orFileError(path, async () => await open(place, flags));
}

/** What the chunks throw is no failure of the file. */
async function writeAll(
  file: FileHandle,
  path: string,
  chunks: AsyncIterable<Buffer>,
): Promise<void> {
  for await (const chunk of chunks) {
    await orFileError(path, async () => await file.writeFile(chunk));
  }
}

async function orFileError<T>(path: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    throw fileError(error, `cannot write ${path}`);
  }
}
