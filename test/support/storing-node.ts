import { execFile, execFileSync } from 'node:child_process';
import { type FSWatcher, mkdirSync, readFileSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ImageItem } from '../../shared/api.ts';
import { makeImageStore } from './image-store.ts';
import { AggregatorProcess, Program } from './processes.ts';
import { watchMessages } from './watch-messages.ts';

/** An image that came to the store, and when it was where; milliseconds since its record was written. */
export interface Arrival {
  readonly item: ImageItem;
  /** At the watch of the aggregator's API. */
  readonly visibleMs: number;
  /** At a bare fs.watch on the folder of the list of images. */
  readonly bareMs: number;
}

/**
 * Agent and aggregator as processes of their own, the agent over a store of more than a hundred images into which skopeo
 * copies. Needs what make-image-store needs.
 */
export class StoringNode implements AsyncDisposable {
  readonly #list: string;
  readonly #storage: string;
  readonly #layout: string;
  readonly #aggregator: AggregatorProcess;
  readonly #agent: Program;
  readonly #ending = new AbortController();
  readonly #watcher: FSWatcher;
  /** When each name was first seen, by the wall clock. */
  readonly #visible = new Map<string, readonly [number, ImageItem]>();
  readonly #written = new Map<string, { readonly writtenMs: number; readonly toldMs: number }>();
  #told = Promise.withResolvers<void>();

  private constructor(
    folder: string,
    layout: string,
    aggregator: AggregatorProcess,
    agent: Program,
  ) {
    const root = join(folder, 'host/var/lib/containers/storage');
    this.#list = join(root, 'vfs-images/images.json');
    this.#storage = `[vfs@${root}+${folder}/runroot]`;
    this.#layout = layout;
    this.#aggregator = aggregator;
    this.#agent = agent;
    this.#watcher = watch(join(root, 'vfs-images'), () => this.#look());
  }

  /** Ready when the images that were there before are at the aggregator. */
  static async start(folder: string): Promise<StoringNode> {
    const made = await makeImageStore(['--images', '6', '--driver', 'vfs']);
    execFileSync('cp', ['-a', made.root, join(folder, 'host')]);
    mkdirSync(join(folder, 'runroot'));
    const aggregator = await AggregatorProcess.start(join(folder, 'aggregator'));
    const tokenFile = join(folder, 'aggregator/state/tokens/agents/node-1.token');
    const agent = new Program(
      'agent',
      {
        hostRoot: join(folder, 'host'),
        stateDir: join(folder, 'agent/state'),
        aggregator: { url: aggregator.url, tokenFile },
      },
      join(folder, 'agent'),
    );
    const node = new StoringNode(folder, join(made.folder, 'layout'), aggregator, agent);
    node.#follow().catch((error: unknown) => {
      if (!node.#ending.signal.aborted) node.#told.reject(error);
    });
    while ((await aggregator.all('/v1/images')).length < made.images.length) await node.#next();
    return node;
  }

  /** Copies an unsigned image of the layout into the store under this name; resolves when the aggregator shows it. */
  async copy(name: string): Promise<Arrival> {
    const to = `containers-storage:${this.#storage}${name}`;
    const args = ['--insecure-policy', 'copy', '--quiet', `oci:${this.#layout}:unsigned`, to];
    await promisify(execFile)('skopeo', args);
    for (;;) {
      const visible = this.#visible.get(name);
      const written = this.#written.get(name);
      if (visible === undefined || written === undefined) {
        await this.#next();
        continue;
      }
      const { writtenMs, toldMs } = written;
      return { item: visible[1], visibleMs: visible[0] - writtenMs, bareMs: toldMs - writtenMs };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watcher.close();
    this.#ending.abort();
    await this.#agent.kill('SIGTERM');
    await this.#aggregator.program.kill('SIGTERM');
  }

  /** Something was told. */
  async #next(): Promise<void> {
    await this.#told.promise;
  }

  #tell(): void {
    const told = this.#told;
    this.#told = Promise.withResolvers();
    told.resolve();
  }

  #look(): void {
    const toldMs = Date.now();
    let list: readonly { readonly names?: readonly string[] | null }[];
    let writtenMs: number;
    try {
      writtenMs = statSync(this.#list).ctimeMs;
      list = JSON.parse(readFileSync(this.#list, 'utf8'));
    } catch {
      return;
    }
    for (const name of list.flatMap(({ names }) => names ?? [])) {
      if (!this.#written.has(name)) this.#written.set(name, { writtenMs, toldMs });
    }
    this.#tell();
  }

  async #follow(): Promise<void> {
    const { url, adminToken: token } = this.#aggregator;
    for await (const told of await watchMessages({ url, token }, this.#ending.signal, 'images')) {
      if (told.topic !== 'images') continue;
      const { reference } = told.item;
      if (!this.#visible.has(reference)) this.#visible.set(reference, [Date.now(), told.item]);
      this.#tell();
    }
  }
}
