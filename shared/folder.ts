import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder of our own (mode 0700) and those above it, unless it is there. Not `mkdir` with `recursive`: that one
 * tries for ever where a folder cannot be made and the system says ENOENT, as procfs does.
 * Here, beside config.ts, although shared/ touches no other files: all three programs make folders, and each would hang.
 */
export async function ensureFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return;
    if (code !== 'ENOENT' || dirname(path) === path || (await exists(dirname(path)))) throw error;
    await ensureFolder(dirname(path));
    await ensureFolder(path);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
