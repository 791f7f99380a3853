import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { whyNoPodman } from './podman.ts';
import { sharedDir } from './shared.ts';

const repository = join(import.meta.dirname, '../..');
const BASE = 'localhost/ubi9-nodejs-stand-in:1';
const BUILD = 'localhost/ubi9-nodejs-stand-in:npm';
/** HOME of the user in the images of UBI. */
const HOME = '/opt/app-root/src';

/** A laboratory beside the repository; undefined when it is not there. */
export function labTool(name: string): string | undefined {
  const shared = sharedDir();
  const tool = shared === undefined ? undefined : join(shared, 'tools', name);
  return tool !== undefined && existsSync(tool) ? tool : undefined;
}

/** Standard output of a laboratory, started as a user would: without the loaders of the tests' runner. */
export async function runLab(tool: string, ...args: readonly string[]): Promise<string> {
  const plain = ['-u', 'NODE_OPTIONS', `NODE=${process.execPath}`, tool, ...args];
  const { stdout } = await promisify(execFile)('env', plain, { maxBuffer: 2 ** 26 });
  return stdout.trim();
}

/** Why our image cannot be built here, for the name of a skipped test; false when it can. */
export function whyNoImage(): string | false {
  const noPodman = whyNoPodman();
  if (noPodman !== false) return noPodman;
  if (labTool('containers-lab') === undefined) return 'needs ../shared/tools/containers-lab';
  return existsSync(npmCache()) ? false : 'needs the cache that `npm ci` fills';
}

function npmCache(): string {
  return join(said('npm', 'config', 'get', 'cache'), '_cacache');
}

function said(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8' }).trim();
}

/** Images from the repository's Containerfile, on a base of Debian packages that stands in for UBI's, without a network. */
export class ImageLab {
  readonly #tool: string;
  readonly #folder: string;

  /** The folder of its images, as containers-storage.conf(5) has them under `graphroot`. */
  get storage(): string {
    return join(this.#folder, 'storage');
  }

  /** Its storage is in `folder` and stays there: a second build takes seconds. */
  constructor(folder: string) {
    const tool = labTool('containers-lab');
    if (tool === undefined) throw new Error('needs ../shared/tools/containers-lab');
    this.#tool = tool;
    this.#folder = folder;
  }

  /** Standard output of podman, buildah or another program with this storage. */
  async run(...words: readonly string[]): Promise<string> {
    return await runLab(this.#tool, 'exec', this.#folder, '--', ...words);
  }

  /** Builds as `podman build` with these arguments does. */
  async build(...args: readonly string[]): Promise<void> {
    if (!existsSync(join(this.#folder, 'storage.conf'))) {
      await runLab(this.#tool, 'build', this.#folder);
      await this.#addNpm();
    }
    // What `npm ci` once fetched for this checkout, by the hashes of the lockfile.
    const npmrc = join(this.#folder, 'npmrc');
    writeFileSync(npmrc, 'offline=true\n');
    const cache = ['-v', `${dirname(npmCache())}:${HOME}/.npm`, '-v', `${npmrc}:${HOME}/.npmrc:ro`];
    const images = ['--build-arg', `BASE_IMAGE=${BASE}`, '--build-arg', `BUILD_IMAGE=${BUILD}`];
    const options = ['--layers', '--pull-never', '--network=none', '--timestamp', '0'];
    await this.run('podman', 'build', ...options, ...cache, ...images, ...args, repository);
  }

  /** The base with this machine's npm. */
  async #addNpm(): Promise<void> {
    const script = realpathSync(said('sh', '-c', 'command -v npm'));
    const npm = dirname(dirname(script));
    const container = await this.run('buildah', 'from', '--pull-never', BASE);
    await this.run('buildah', 'copy', '-q', container, npm, '/usr/lib/node_modules/npm');
    const link = ['ln', '-s', '../lib/node_modules/npm/bin/npm-cli.js', '/usr/bin/npm'];
    await this.run('buildah', 'run', '--isolation', 'chroot', '--user', '0', container, ...link);
    await this.run('buildah', 'commit', '-q', '--rm', container, BUILD);
  }

  /** The image as an archive in this folder, for another storage; made anew. */
  async save(image: string): Promise<string> {
    mkdirSync(this.#folder, { recursive: true });
    const file = join(this.#folder, 'image.tar');
    await this.run('sh', '-c', 'rm -f "$1" && podman save -q -o "$1" "$2"', 'save', file, image);
    return file;
  }
}
