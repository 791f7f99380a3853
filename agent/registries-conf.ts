import { posix } from 'node:path';
import {
  type NamedContent,
  parseRegistriesConf,
  type RegistriesConf,
} from '../shared/trust/registries-conf.ts';
import { dropInFiles } from './folder-files.ts';
import type { Host } from './host.ts';
import { lastMadePerHost } from './last-made.ts';
import { problemOf, readTrustFile, type TrustFile, type TrustProblem } from './trust-files.ts';

/** registries.conf in force with its drop-ins: where an image is really fetched from. `conf` or `problem`, never both. */
export interface NodeRegistriesConf {
  /** The main file; it need not exist. */
  readonly path: string;
  /** Files read, in the order in which they apply. */
  readonly files: readonly TrustFile[];
  readonly conf?: RegistriesConf;
  readonly problem?: TrustProblem;
}

const lastConf = lastMadePerHost<RegistriesConf>();
const SYSTEM = '/etc/containers/registries.conf';

/**
 * Reads containers-registries.conf(5) as root's tools do: a file in root's home takes the place of the system's and
 * its drop-ins, root's own drop-ins come last. Never throws for a state of the node.
 */
export async function readRegistriesConf(host: Host, home: string): Promise<NodeRegistriesConf> {
  const own = posix.join(home, '.config/containers/registries.conf');
  let path = SYSTEM;
  try {
    const isOwn = (await host.stat(own)) !== undefined;
    path = isOwn ? own : SYSTEM;
    const folders = isOwn ? [`${own}.d`] : [`${SYSTEM}.d`, `${own}.d`];
    const dropIns = (await Promise.all(folders.map((folder) => dropInFiles(host, folder)))).flat();
    return await readConfFiles(host, path, dropIns);
  } catch (error) {
    return { path, files: [], problem: problemOf(error, path) };
  }
}

/** The main file, which need not exist, and drop-ins in the order in which they apply. */
export async function readConfFiles(
  host: Host,
  path: string,
  dropIns: readonly string[],
): Promise<NodeRegistriesConf> {
  const files: TrustFile[] = [];
  try {
    const contents: NamedContent[] = [];
    for (const place of [path, ...dropIns]) {
      const { bytes, ...file } = await readTrustFile(host, place);
      if (file.problem?.reason === 'missing') continue;
      files.push(file);
      if (bytes === undefined) return { path, files, ...withProblem(file.problem) };
      contents.push({ name: place, content: bytes });
    }
    const [main, ...rest] = contents;
    const conf = lastConf(host, JSON.stringify([path, files]), () =>
      main?.name === path
        ? parseRegistriesConf(main, rest)
        : parseRegistriesConf(undefined, contents),
    );
    return { path, files, conf };
  } catch (error) {
    return { path, files, problem: problemOf(error, path) };
  }
}

function withProblem(problem: TrustProblem | undefined): { readonly problem?: TrustProblem } {
  return problem === undefined ? {} : { problem };
}
