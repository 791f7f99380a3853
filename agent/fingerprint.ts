import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** What tells whether something in a folder changed, without reading it; `absent` or an errno where it cannot be read. */
export async function fingerprint(folder: string): Promise<string> {
  try {
    const names = (await readdir(folder)).sort();
    const lines = await Promise.all(names.map((name) => line(join(folder, name))));
    return [await line(folder), ...lines].join('\n');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'absent';
  }
}

async function line(path: string): Promise<string> {
  try {
    const { ino, size, mode, uid, gid, mtimeNs, ctimeNs } = await lstat(path, { bigint: true });
    return [path, ino, size, mode, uid, gid, mtimeNs, ctimeNs].join(' ');
  } catch {
    return `${path} gone`;
  }
}
