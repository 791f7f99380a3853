import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { labTool, runLab } from '../support/image-lab.ts';

const repository = join(import.meta.dirname, '../..');

/** How a program ended. */
export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Kubernetes 1.20 with real kubelets on this machine; nodes are node1, node2 …, its state is in one folder. */
export class KubeLab {
  readonly #tool: string;
  readonly folder: string;

  constructor(folder: string) {
    const tool = labTool('kube-lab');
    if (tool === undefined) throw new Error('needs ../shared/tools/kube-lab');
    this.#tool = tool;
    this.folder = folder;
  }

  /** From source, once: some minutes, unless KUBE_BIN names a folder with the programs. */
  async up(nodes: number): Promise<void> {
    await this.#lab('build');
    await this.#lab('up', '--nodes', String(nodes));
  }

  async down(): Promise<void> {
    await this.#lab('down');
  }

  async load(archive: string): Promise<void> {
    await this.#lab('load', archive);
  }

  /** The keys that sign ServiceAccount tokens, as the API server gives them. */
  async signingKeys(): Promise<string> {
    return await this.#lab('jwks');
  }

  /** SIGTERM, or the start of one daemon. */
  async daemon(verb: 'stop' | 'start', name: string, node = 1): Promise<void> {
    await this.#lab(verb, name, '--node', String(node));
  }

  async kubectl(...args: readonly string[]): Promise<string> {
    return await this.#lab('kubectl', '--', ...args);
  }

  /** Runs a shell script on a node. */
  async on(node: number, script: string, ...args: readonly string[]): Promise<string> {
    const words = ['--node', String(node), '--', 'sh', '-euc', script, 'script', ...args];
    return await this.#lab('exec', ...words);
  }

  /** `kubectl nodeseal`, as on the machine of an administrator with this checkout's bin folder on the PATH. */
  async nodeseal(...args: readonly string[]): Promise<Ended> {
    const home = join(this.folder, 'home');
    mkdirSync(home, { recursive: true });
    const path = [join(repository, 'bin'), join(this.folder, 'bin'), process.env['PATH']].join(':');
    const env = ['env', `PATH=${path}`, `HOME=${home}`];
    const words = ['exec', this.folder, '--', ...env, 'kubectl', 'nodeseal', ...args];
    try {
      const plain = ['-u', 'NODE_OPTIONS', this.#tool, ...words];
      const { stdout, stderr } = await promisify(execFile)('env', plain, { maxBuffer: 2 ** 26 });
      return { status: 0, stdout, stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      if (typeof code !== 'number') throw error;
      return { status: code, stdout, stderr };
    }
  }

  async #lab(verb: string, ...args: readonly string[]): Promise<string> {
    return await runLab(this.#tool, verb, this.folder, ...args);
  }
}
