import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openHost } from '../../agent/host.ts';
import { trustWatchesIn } from '../../agent/trust-places.ts';
import { Watch } from '../../agent/watch.ts';
import { keptLog } from './aggregator.ts';

/** A node's folder, its watcher, and the checks it was told to look at again. */
export class Rig implements AsyncDisposable {
  readonly root: string = realpathSync(mkdtempSync(join(tmpdir(), 'nodeseal-watch-')));
  readonly log: ReturnType<typeof keptLog> = keptLog();
  #watch: Watch | undefined;
  #told = new Map<string, number>();
  #wake = Promise.withResolvers<void>();
  readonly #undo: (() => void)[] = [];

  async start(): Promise<void> {
    this.#watch = await Watch.start({
      host: openHost(this.root),
      checks: [
        { id: 'policy', watches: ['/etc/containers', '/etc/containers/registries.d'] },
        { id: 'store', watches: ['/var/lib/containers/storage/overlay-images'] },
        { id: 'named', watches: ['/etc/crio'], watchesIn: trustWatchesIn },
        { id: 'mode', watches: [], polls: ['/sys/enforce'] },
      ],
      onChange: (ids) => {
        for (const id of ids) this.#told.set(id, (this.#told.get(id) ?? 0) + 1);
        this.#wake.resolve();
        this.#wake = Promise.withResolvers();
      },
      onDegraded: () => {},
      log: this.log,
      pollMs: 30,
      sweepMs: 200,
    });
  }

  path(path: string): string {
    return join(this.root, path);
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    writeFileSync(this.path(path), text);
  }

  /** Does it, and waits until this check is to be looked at; what was told before does not count. */
  async tells(id: string, change: () => void): Promise<void> {
    await this.quiet();
    change();
    while ((this.#told.get(id) ?? 0) === 0) await this.#wake.promise;
  }

  /** Waits until everything that was under way has been told: a change of our own comes last. */
  async quiet(): Promise<void> {
    const marker = this.path('/sys/enforce');
    this.#told.clear();
    this.write('/sys/enforce', `${existsSync(marker)}${Math.random()}`);
    while ((this.#told.get('mode') ?? 0) === 0) await this.#wake.promise;
    this.#told.clear();
  }

  /** What must be taken back before the node's folder can go. */
  undo(what: () => void): void {
    this.#undo.push(what);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch?.[Symbol.asyncDispose]();
    for (const undo of this.#undo) undo();
    rmSync(this.root, { recursive: true, force: true });
  }
}

export const POLICY = '/etc/containers/policy.json';

/** A policy, a file of registries.d and one without events. */
export function plainNode(rig: Rig): void {
  rig.write(POLICY, '{}');
  rig.write('/etc/containers/registries.d/default.yaml', 'docker: {}');
  rig.write('/sys/enforce', '1');
}
