import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Host, openHost } from '../agent/host.ts';
import { safeText } from '../shared/safe-text.ts';
import { CliError } from './errors.ts';
import { fileError } from './files.ts';
import type { Io } from './io.ts';

/**
 * The node whose files lie under `--host-root`. Throws when there is no such folder: nothing would be found in it. Says so
 * when the folder hardly is a node: what is not there does not fail.
 */
export async function openHostRoot(root: string, io: Pick<Io, 'stderr'>): Promise<Host> {
  const what = `cannot use the host root ${root}`;
  try {
    if ((await stat(root)).isDirectory()) {
      const note = safeText(`note: ${root} has no folder etc: is it the root of a node?`);
      if (!(await isFolder(join(root, 'etc')))) io.stderr.write(`${note}\n`);
      return openHost(root);
    }
  } catch (cause) {
    throw fileError(cause, what);
  }
  throw new CliError('ERR_CLI_INPUT', what, {
    why: 'it is no folder',
    next: 'name the folder that holds /etc and /var of the node; / is the default',
  });
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
