import { writeFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ImageLab } from '../support/image-lab.ts';
import { KubeLab } from './kube-lab.ts';
import { AGGREGATOR_STATE, SERVER } from './overlay.ts';

/** Accepts no image. */
export const REJECT: string = '{"default":[{"type":"reject"}]}\n';
/** Accepts any image, signed or not. */
export const ANYTHING: string = '{"default":[{"type":"insecureAcceptAnything"}]}\n';
export const AGGREGATORS: readonly string[] = ['-l', 'app.kubernetes.io/name=nodeseal-aggregator'];

export interface Listed<Item> {
  readonly items: readonly Item[];
  readonly coverage: {
    readonly expected: number;
    readonly reporting: number;
    readonly missing: readonly { readonly node: string; readonly cause: string }[];
  };
}
export interface NodeItem {
  readonly name: string;
  readonly uid: string;
  readonly state: string;
}
export interface EventItem {
  readonly node: string;
  readonly epoch: string;
  readonly sequence: number;
  readonly kind: string;
}
interface FindingItem {
  readonly node: string;
  readonly ruleId: string;
  readonly result: string;
}

/** What an administrator does with the cluster, and what each node's own folders hold. */
export class Installation {
  readonly kube: KubeLab;
  readonly images: ImageLab = new ImageLab(join(tmpdir(), 'nodeseal-images'));
  readonly #folder: string;
  #access: readonly string[] = [];

  constructor(folder: string) {
    this.kube = new KubeLab(folder);
    this.#folder = folder;
  }

  /** On the machine, since both nodes have its file tree, the folder that one node sees as its own. */
  own(node: number, name: string): string {
    return join(this.#folder, `node${node}`, name);
  }

  /** Gives each node the folders that a node has for itself. */
  async prepare(): Promise<void> {
    for (const node of [1, 2]) {
      const [lib, containers] = [this.own(node, 'lib'), this.own(node, 'containers')];
      await rm(join(this.#folder, `node${node}`), { recursive: true, force: true });
      await mkdir(lib, { recursive: true });
      await mkdir(containers, { recursive: true });
      this.policy(node, REJECT);
      const script = `mkdir -p /var/lib/nodeseal
        mount --bind "$1" /var/lib/nodeseal
        mount --bind "$2" /etc/containers
        install -d -o 65532 -g 65532 "$3"`;
      await this.kube.on(node, script, lib, containers, AGGREGATOR_STATE);
    }
  }

  policy(node: number, text: string): void {
    writeFileSync(join(this.own(node, 'containers'), 'policy.json'), text);
  }

  /** From now on `kubectl nodeseal` asks as the administrator whose token the first start made. */
  async logIn(caFile: string): Promise<void> {
    const token = await this.#adminToken();
    this.#access = ['--server', SERVER, '--ca-file', caFile, '--token-file', this.keep(token)];
  }

  /** A file of the pod that started first. */
  async #adminToken(): Promise<string> {
    const file = '/var/lib/nodeseal/aggregator/tokens/admin.token';
    const pods = await this.kubectl('get', 'pods', ...AGGREGATORS, '-o', 'name');
    for (const pod of pods.split('\n')) {
      const token = await this.kubectl('exec', pod, '--', 'cat', file).catch(() => '');
      if (token !== '') return token;
    }
    throw new Error(`${file}: in none of ${pods}`);
  }

  keep(token: string): string {
    const file = join(this.#folder, `${token.slice(-8)}.token`);
    writeFileSync(file, token, { mode: 0o600 });
    return file;
  }

  async kubectl(...args: readonly string[]): Promise<string> {
    return await this.kube.kubectl('-n', 'nodeseal', ...args);
  }

  async list<Item>(...args: readonly string[]): Promise<Listed<Item>> {
    const { stdout, stderr } = await this.kube.nodeseal(
      'get',
      ...args,
      '-o',
      'json',
      ...this.#access,
    );
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout) as Listed<Item>;
  }

  /** All that there are: unless told otherwise the command line shows the latest hundred. */
  async events(): Promise<readonly EventItem[]> {
    return (await this.list<EventItem>('events', '--limit', '100000')).items;
  }

  async ask(
    tokenFile: string,
    ...args: readonly string[]
  ): Promise<{ status: number; stderr: string }> {
    return await this.kube.nodeseal(...args, ...this.#access.with(-1, tokenFile));
  }

  async status(...args: readonly string[]): Promise<{ status: number; stdout: string }> {
    return await this.kube.nodeseal('status', ...args, ...this.#access);
  }

  /** The result of a rule on a node. */
  async result(node: string, rule: string): Promise<string | undefined> {
    const { items } = await this.list<FindingItem>('findings', rule, '--all', '-l', `name=${node}`);
    return items.find(({ ruleId }) => ruleId === rule)?.result;
  }
}
