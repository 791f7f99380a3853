import { stat } from 'node:fs/promises';
import { type Host, openHost } from '../agent/host.ts';
import { CliError } from './errors.ts';
import { fileError } from './files.ts';

/** The node whose files lie under `--host-root`. Throws when there is no such folder: nothing would be found in it. */
export async function openHostRoot(root: string): Promise<Host> {
  const what = `cannot use the host root ${root}`;
  try {
    if ((await stat(root)).isDirectory()) return openHost(root);
  } catch (cause) {
    throw fileError(cause, what);
  }
  throw new CliError('ERR_CLI_INPUT', what, {
    why: 'it is no folder',
    next: 'name the folder that holds /etc and /var of the node; / is the default',
  });
}
