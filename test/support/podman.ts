import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';

const TOOLS = ['podman', 'skopeo', 'runc', 'conmon'] as const;

/** Why no containers can be made here, for the name of a skipped test; false when they can. */
export function whyNoPodman(): string | false {
  if (process.getuid?.() !== 0) return 'needs root, as containers-storage with overlay does';
  const folders = (process.env['PATH'] ?? '').split(':').concat('/usr/sbin');
  const missing = TOOLS.filter((tool) => !folders.some((folder) => existsSync(join(folder, tool))));
  return missing.length === 0 ? false : `needs ${missing.join(', ')}`;
}

/** Few limits can be raised on a machine of tests; runc, since crun refuses mixed cgroup hierarchies. */
const CONTAINERS_CONF = `[containers]
default_ulimits = ["nofile=1000:1000", "nproc=4096:4096"]
netns = "none"
pids_limit = 0
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
`;
/** Images of tests hold no programs: containers get those of this machine. */
const PROGRAMS = ['/usr', '/lib', '/lib64'].flatMap((path) => ['-v', `${path}:${path}:ro`]);

/** podman with a store of its own, as the administrator of the node whose root is `hostRoot` would call it. */
export class Podman implements AsyncDisposable {
  readonly #env: NodeJS.ProcessEnv;

  /** The configuration goes to `folder`; `storage` are further lines of `[storage]`. */
  constructor(folder: string, hostRoot: string, driver: string, storage = '') {
    const conf = join(folder, 'containers.conf');
    const storageConf = join(folder, 'storage.conf');
    writeFileSync(conf, CONTAINERS_CONF);
    writeFileSync(
      storageConf,
      `[storage]\ndriver = "${driver}"\ngraphroot = "${hostRoot}/var/lib/containers/storage"\nrunroot = "${hostRoot}/run/containers/storage"\n${storage}`,
    );
    const { CONTAINERS_STORAGE_CONF: _, ...env } = process.env;
    this.#env = { ...env, CONTAINERS_CONF: conf, CONTAINERS_STORAGE_CONF: storageConf };
  }

  async run(...args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)('podman', args, { env: this.#env });
    return stdout.trim();
  }

  /** Starts a container that does nothing. */
  async start(name: string, image: string, ...options: readonly string[]): Promise<string> {
    const fixed = ['run', '-d', '--pull=never', '--net=none', ...PROGRAMS];
    return await this.run(...fixed, '--name', name, ...options, image, 'sleep', '600');
  }

  /** Serves its API at a socket until it is killed: changes without a process for each. */
  async serve(socket: string): Promise<ChildProcess> {
    const args = ['system', 'service', '--time=0', `unix://${socket}`];
    const child = spawn('podman', args, { env: this.#env, stdio: 'ignore' });
    while (!existsSync(socket)) {
      if (child.exitCode !== null) throw new Error(`podman ended with ${child.exitCode}`);
      await setTimeout(10);
    }
    return child;
  }

  /** Ends all its containers. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.run('rm', '--all', '--force', '--time', '0');
  }
}
