import { posix } from 'node:path';
import { type FSWatcher, watch as watchFolders } from 'chokidar';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import type { Check } from './check.ts';
import { fingerprint } from './fingerprint.ts';
import type { Host } from './host.ts';
import { type Mounts, mountsIn, movedMounts } from './mounts.ts';
import { NO_PLAN, namedFolders, planWatches, type WatchPlan } from './watch-plan.ts';
import { Polls } from './watch-polls.ts';

type Watched = Pick<Check, 'id' | 'watches' | 'watchesIn' | 'polls'>;

export interface WatchOptions {
  readonly host: Host;
  readonly checks: readonly Watched[];
  /** Something that these look at may have changed: look again. */
  readonly onChange: (checkIds: readonly string[]) => void;
  /** Why changes are found by looking every few seconds only; undefined when it is over. */
  readonly onDegraded: (why: string | undefined) => void;
  readonly log: Logger;
  /** Spreads what is done at an interval over the nodes of a fleet; default: `Math.random`. */
  readonly random?: () => number;
  readonly pollMs?: number;
  readonly sweepMs?: number;
}

/** Files without events are looked at so often. */
const POLL_MS = 2000;
/** What sends no event: folders that cannot be watched, where links lead, what is mounted over a file; so often, ± 10 %. */
const SWEEP_MS = 10_000;
/** So often what checks name by configuration is asked for anew though nothing was told. */
const PLANS_BEFORE_ASKING = 30;
/** After something moved, so long is waited for the rest of it. */
const REPLAN_MS = 50;

/**
 * Says when something a check looks at may have changed. It watches folders, because tools write by renaming over and
 * a watched file is then another; an event only says "look again", what is there now is for the check to say.
 */
export class Watch implements AsyncDisposable {
  readonly #options: WatchOptions;
  #plan: WatchPlan = NO_PLAN;
  #watcher: FSWatcher | undefined;
  #polls: Polls | undefined;
  #mounts: Mounts = new Map();
  /** What folders looked like when they could not be watched. */
  #fingerprints: ReadonlyMap<string, string> | undefined;
  #failures = 0;
  #replanTimer: NodeJS.Timeout | undefined;
  readonly #timers: NodeJS.Timeout[] = [];
  #work: Promise<void> = Promise.resolve();
  #isClosed = false;
  #isTouched = true;
  #plans = 0;

  private constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** Resolves when every change from now on will be seen. */
  static async start(options: WatchOptions): Promise<Watch> {
    const watch = new Watch(options);
    await watch.#serial(() => watch.#replan());
    watch.#mounts = await mountsIn(new Set(watch.#plan.folders.keys()));
    const poll = (): void => void watch.#serial(() => watch.#poll());
    watch.#polls = await Polls.open(options.host, options.checks, poll);
    const { pollMs = POLL_MS, sweepMs = SWEEP_MS, random = Math.random } = options;
    watch.#timers.push(
      setInterval(poll, pollMs),
      setInterval(() => void watch.#serial(() => watch.#sweep()), sweepMs * (0.9 + 0.2 * random())),
    );
    return watch;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#replanTimer);
    for (const timer of this.#timers) clearInterval(timer);
    this.#polls?.close();
    await this.#work;
    await this.#watcher?.close();
  }

  async #serial(work: () => Promise<void>): Promise<void> {
    const { log } = this.#options;
    this.#work = this.#work.then(async () => {
      if (this.#isClosed) return;
      await work().catch((error: unknown) => log.error({ err: error }, 'watching failed'));
    });
    await this.#work;
  }

  /** A new watcher for the whole plan: folders that were replaced are not picked up by the one there is. */
  async #rewatch(folders: readonly string[]): Promise<void> {
    const old = this.#watcher;
    const watcher = watchFolders([...folders], {
      depth: 0,
      ignoreInitial: true,
      followSymlinks: false,
      ignorePermissionErrors: true,
      // With it an overwritten file is reported 100 ms late, in the hope of a rename.
      atomic: false,
    });
    watcher.on('all', (_event, path, stats) => {
      this.#happened(path, stats?.isSymbolicLink() === true);
    });
    // The library says nothing of what has become a folder before it looked: what the kernel says is told too.
    watcher.on('raw', (_event, name, details) => {
      const { watchedPath } = details as { readonly watchedPath: string };
      this.#happened(posix.join(watchedPath, name ?? ''), false);
    });
    watcher.on('error', (error) => this.#failed(error));
    this.#watcher = watcher;
    await new Promise<void>((ready) => watcher.once('ready', ready));
    await old?.close();
  }

  #happened(path: string, isLink: boolean): void {
    const { folders, waypoints } = this.#plan;
    const ids = [...(folders.get(path) ?? []), ...(folders.get(posix.dirname(path)) ?? [])];
    this.#tell(ids);
    if (!isLink && !waypoints.has(path) && !folders.has(path)) return;
    this.#replanTimer ??= setTimeout(() => {
      this.#replanTimer = undefined;
      void this.#serial(() => this.#replan());
    }, REPLAN_MS);
  }

  /** Looks where every watched folder is now, and watches there. */
  async #replan(): Promise<void> {
    const { host } = this.#options;
    const before = this.#plan;
    const plan = await planWatches(host, await this.#named());
    this.#plan = plan;
    if (plan.identity !== before.identity) await this.#rewatch([...plan.folders.keys()]);
    const moved = [...plan.watches].filter(([, watches]) =>
      watches.some((path) => before.places.get(path) !== plan.places.get(path)),
    );
    if (before !== NO_PLAN) this.#tell(moved.map(([id]) => id));
  }

  /** What checks name by the node's configuration can be other folders only after something in watched ones changed. */
  async #named(): Promise<WatchPlan['watches']> {
    const { host, checks } = this.#options;
    this.#plans++;
    if (!this.#isTouched && this.#plans % PLANS_BEFORE_ASKING !== 0) return this.#plan.watches;
    this.#isTouched = false;
    return await namedFolders(host, checks);
  }

  /** Something that these look at may have changed. */
  #tell(ids: readonly string[]): void {
    if (ids.length === 0) return;
    this.#isTouched = true;
    this.#options.onChange([...new Set(ids)]);
  }

  /** No more inotify watches or descriptors to be had: then looking is all that is left. */
  #failed(error: unknown): void {
    const { onDegraded, log } = this.#options;
    const code = (error as NodeJS.ErrnoException).code ?? '';
    this.#failures++;
    if (this.#fingerprints !== undefined) return;
    log.warn({ reason: messageOf(error) }, 'watching folders failed');
    if (!['ENOSPC', 'EMFILE', 'ENFILE', 'ENOMEM'].includes(code)) return;
    this.#fingerprints = new Map();
    onDegraded(messageOf(error));
    void this.#serial(() => this.#compare());
  }

  /** What the folders look like now against what they looked like before: instead of events. */
  async #compare(): Promise<void> {
    const before = this.#fingerprints;
    if (before === undefined) return;
    const after = new Map<string, string>();
    for (const folder of this.#plan.folders.keys()) after.set(folder, await fingerprint(folder));
    this.#fingerprints = after;
    // What was not looked at before may have changed since its events ceased: it counts as changed.
    const changed = [...after].filter(([folder, now]) => before.get(folder) !== now);
    const ids = changed.flatMap(([folder]) => this.#plan.folders.get(folder) ?? []);
    this.#tell(ids);
  }

  async #sweep(): Promise<void> {
    await this.#replan();
    await this.#lookAtMounts();
    if (this.#fingerprints === undefined) return;
    const before = this.#failures;
    await this.#rewatch([...this.#plan.folders.keys()]);
    if (this.#failures !== before) return;
    await this.#compare();
    this.#fingerprints = undefined;
    this.#options.onDegraded(undefined);
  }

  /** A file or folder mounted over another is seen by no watch. */
  async #lookAtMounts(): Promise<void> {
    const { folders } = this.#plan;
    const mounts = await mountsIn(new Set(folders.keys()));
    const ids = movedMounts(this.#mounts, mounts).flatMap((place) => [
      ...(folders.get(place) ?? []),
      ...(folders.get(posix.dirname(place)) ?? []),
    ]);
    this.#mounts = mounts;
    this.#tell(ids);
  }

  async #poll(): Promise<void> {
    await this.#compare();
    const ids = (await this.#polls?.changed()) ?? [];
    if (ids.length > 0) this.#options.onChange(ids);
  }
}
