import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../../shared/clock.ts';
import { messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { ExpectedNode, ExpectedSink, ExpectedSource, SourceStatus } from './expected.ts';
import { keepList, readKeptList } from './kept-list.ts';
import type { NodeChange } from './node-object.ts';
import { listNodes, type NodesApi, watchNodes } from './nodes-api.ts';

export const KUBERNETES_SOURCE = 'kubernetes';

export interface KubernetesNodesOptions {
  readonly api: NodesApi;
  /** Where the last good list is kept. */
  readonly keptFile: string;
  readonly sink: ExpectedSink;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  /** Shortest wait after a failure; it doubles with each failure that follows, up to two minutes. */
  readonly retryMs?: number;
  /** The whole list is asked again so often, whatever was watched. */
  readonly resyncMs?: number;
}

const RETRY_MS = 1000;
const MAX_RETRY_MS = 120_000;
const RESYNC_MS = 1_800_000;
/** 410 Gone: what was to be watched is forgotten by the server. */
const GONE = 410;

/**
 * The nodes of a cluster as its API server knows them: listed, then watched. While the server is away the last list
 * holds, across restarts too, and the status says how old it is.
 */
export class KubernetesNodes implements ExpectedSource {
  readonly #options: KubernetesNodesOptions;
  readonly #stop = new AbortController();
  /** By uid. */
  #nodes = new Map<string, ExpectedNode>();
  #asOfMs: number | null = null;
  #reason: string | undefined = 'not asked yet';
  #running: Promise<void> = Promise.resolve();

  private constructor(options: KubernetesNodesOptions) {
    this.#options = options;
  }

  /** Resolves when the list that is kept from before holds; asking goes on until disposed. */
  static async start(options: KubernetesNodesOptions): Promise<KubernetesNodes> {
    const nodes = new KubernetesNodes(options);
    const kept = await readKeptList(options.keptFile);
    if (kept !== undefined) {
      nodes.#nodes = byUid(kept.nodes);
      nodes.#asOfMs = kept.asOfMs;
      nodes.#publish();
    }
    nodes.#running = nodes.#run();
    return nodes;
  }

  status(): SourceStatus {
    const [nodes, asOfMs, reason] = [this.#nodes.size, this.#asOfMs, this.#reason];
    return { source: KUBERNETES_SOURCE, asOfMs, nodes, reason };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    if (this.#asOfMs !== null) await this.#keep();
  }

  /** Lists and watches until disposed. Never rejects. */
  async #run(): Promise<void> {
    const { api, random, retryMs = RETRY_MS } = this.#options;
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted; ) {
      try {
        const { resourceVersion, nodes } = await listNodes(api, signal);
        this.#listed(nodes);
        await this.#keep();
        failures = 0;
        await this.#follow(resourceVersion);
      } catch (error) {
        if (signal.aborted) return;
        this.#failed(messageOf(error));
        failures++;
      }
      const base = Math.min(retryMs * 2 ** Math.max(0, failures - 1), MAX_RETRY_MS);
      await wait(base * (0.5 + random() / 2), undefined, { signal }).catch(() => {});
    }
  }

  /** Watches from a list on, one watch after the other; ends when it is time to list again. */
  async #follow(from: string): Promise<void> {
    const { api, clock, resyncMs = RESYNC_MS, retryMs = RETRY_MS } = this.#options;
    const listedMs = clock.monotonicMs();
    let resourceVersion = from;
    while (clock.monotonicMs() - listedMs < resyncMs) {
      const openedMs = clock.monotonicMs();
      for await (const changes of watchNodes(api, resourceVersion, this.#stop.signal)) {
        this.#heard();
        const ended = changes.find((change) => change.kind === 'ended');
        this.#apply(changes);
        if (ended?.code === GONE) return;
        if (ended !== undefined) throw new Error(`the watch ended: ${ended.message.slice(0, 300)}`);
        resourceVersion = lastVersion(changes) ?? resourceVersion;
      }
      this.#heard();
      await this.#keep();
      // A server that ends each watch at once must not be asked without pause.
      if (clock.monotonicMs() - openedMs < retryMs) throw new Error('the watch ended at once');
    }
  }

  #listed(nodes: readonly ExpectedNode[]): void {
    const before = this.#nodes;
    this.#nodes = byUid(nodes);
    this.#heard();
    this.#publish();
    const gone = [...before.keys()].filter((uid) => !this.#nodes.has(uid));
    if (gone.length > 0) this.#options.sink.gone(gone);
  }

  #apply(changes: readonly NodeChange[]): void {
    const gone: string[] = [];
    let isChanged = false;
    for (const change of changes) {
      if (change.kind !== 'set' && change.kind !== 'removed') continue;
      const { uid = '' } = change.node;
      if (change.kind === 'removed') {
        if (!this.#nodes.delete(uid)) continue;
        gone.push(uid);
        isChanged = true;
      } else if (!isSame(this.#nodes.get(uid), change.node)) {
        this.#nodes.set(uid, change.node);
        isChanged = true;
      }
    }
    if (isChanged) this.#publish();
    if (gone.length > 0) this.#options.sink.gone(gone);
  }

  #heard(): void {
    this.#asOfMs = this.#options.clock.nowMs();
    if (this.#reason !== undefined) {
      this.#options.log.info({ nodes: this.#nodes.size }, 'the API server tells its nodes');
    }
    this.#reason = undefined;
  }

  #failed(reason: string): void {
    if (reason !== this.#reason) {
      this.#options.log.warn({ reason }, 'nodes cannot be listed, the list before holds');
    }
    this.#reason = reason;
  }

  #publish(): void {
    this.#options.sink.listed(KUBERNETES_SOURCE, [...this.#nodes.values()]);
  }

  /** A disk that is full takes nothing from what is known now. */
  async #keep(): Promise<void> {
    const { keptFile, log } = this.#options;
    const list = { asOfMs: this.#asOfMs ?? 0, nodes: [...this.#nodes.values()] };
    try {
      await keepList(keptFile, list);
    } catch (error) {
      log.warn({ file: keptFile, reason: messageOf(error) }, 'the list of nodes cannot be kept');
    }
  }
}

function byUid(nodes: readonly ExpectedNode[]): Map<string, ExpectedNode> {
  return new Map(nodes.map((node) => [node.uid ?? node.name, node]));
}

function isSame(a: ExpectedNode | undefined, b: ExpectedNode): boolean {
  return a?.name === b.name && (a.conditions ?? []).join() === (b.conditions ?? []).join();
}

/** Bookmarks carry one too, so that a quiet watch does not start again from long ago. */
function lastVersion(changes: readonly NodeChange[]): string | undefined {
  return changes
    .map((change) => (change.kind === 'ended' ? undefined : change.resourceVersion))
    .findLast((version) => version !== undefined);
}
