import { join } from 'node:path';
import { sha256 } from '../../shared/canonical.ts';
import type { Items } from '../../shared/report.ts';
import { type CheckContext, whereReadable } from '../check.ts';
import { desiredState } from '../desired/desired.ts';
import type { Host } from '../host.ts';
import { type Members, membersOf } from '../members.ts';
import type { EventDraft } from '../spool.ts';
import { isTrustPath } from '../trust-places.ts';
import { isWatchedPath } from '../watched-places.ts';
import { compareMeanings, type Difference } from './compare-meanings.ts';
import { bootedDeployment } from './deployment.ts';
import { explain } from './explanation.ts';
import type { FileChange } from './file-event.ts';
import { type Kept, type KeptMeaning, keepMeanings, recallMeanings } from './kept-meanings.ts';
import { type Meaning, meaningOf } from './meaning.ts';
import {
  machineConfigEvent,
  type SeenMachineConfig,
  seeMachineConfig,
} from './seen-machine-config.ts';

/** What a look has to say. */
interface Seen {
  readonly files: ReadonlyMap<string, FileChange>;
  readonly events: readonly EventDraft[];
}

/** Remembers what the files of a node said, so that of a change it can tell what it means and who asked for it. */
export class FileChanges {
  readonly #file: string;
  readonly #kept: Map<string, KeptMeaning>;
  /** Digests of what was read in this life, by path: what means nothing to us is not read again either. */
  readonly #read = new Map<string, string>();
  #deployment: string | undefined;
  #machineConfig: SeenMachineConfig | undefined;
  #isSaved = true;

  private constructor(file: string, { files, deployment, machineConfig }: Kept) {
    this.#file = file;
    this.#kept = new Map(files);
    this.#deployment = deployment;
    this.#machineConfig = machineConfig;
  }

  /** With what an earlier life of the agent kept in its state directory. */
  static async open(stateDir: string): Promise<FileChanges> {
    const file = join(stateDir, 'file-meanings.json');
    return new FileChanges(file, await recallMeanings(file));
  }

  /**
   * What there is to say of the files at `paths`, whose items changed from `before` to `after` (none at the first
   * look), and of the MachineConfig. Reads only files that are new to it. Never throws for a state of the node.
   */
  async look(
    { host, baseline }: Pick<CheckContext, 'host' | 'baseline'>,
    before: Items,
    after: Items,
    paths: readonly string[],
  ): Promise<Seen> {
    const old = new Map(paths.map((path) => [path, this.#kept.get(path)]));
    await this.#learn(host, after);
    const now = await bootedDeployment(host);
    const config = await seeMachineConfig(host, this.#machineConfig);
    const event = machineConfigEvent(this.#machineConfig, config);
    const changes = new Map<string, FileChange>();
    if (paths.length > 0) {
      const desired = await desiredState(host, baseline);
      const deployment = { was: this.#deployment, now };
      const situation = { desired, deployment, isAltered: config?.isAltered === true };
      for (const path of paths) {
        const [is, will] = [membersOf(before.get(path)), membersOf(after.get(path))];
        const explained = explain(path, is, will, situation);
        changes.set(path, { explained, meaning: this.#compare(path, old.get(path), is, will) });
      }
    }
    const isKept = this.#deployment === now && this.#machineConfig?.digest === config?.digest;
    if (!isKept || this.#machineConfig?.name !== config?.name) this.#isSaved = false;
    this.#deployment = now;
    this.#machineConfig = config;
    return { files: changes, events: event === undefined ? [] : [event] };
  }

  /** True when something is not kept yet. */
  get isUnsaved(): boolean {
    return !this.#isSaved;
  }

  /** Writes what changed since the last call. Rejects when the disk does not take it. */
  async save(): Promise<void> {
    if (this.#isSaved) return;
    const [deployment, machineConfig] = [this.#deployment, this.#machineConfig];
    this.#isSaved = true;
    try {
      await keepMeanings(this.#file, {
        ...(deployment === undefined ? {} : { deployment }),
        ...(machineConfig === undefined ? {} : { machineConfig }),
        files: this.#kept,
      });
    } catch (error) {
      this.#isSaved = false;
      throw error;
    }
  }

  async #learn(host: Host, items: Items): Promise<void> {
    for (const [path, item] of items) {
      const digest = membersOf(item)?.['sha256'];
      if (typeof digest !== 'string' || this.#kept.get(path)?.sha256 === digest) continue;
      if (this.#read.get(path) === digest) continue;
      const isKey = !isTrustPath(path) && !isWatchedPath(path);
      const bytes = await whereReadable(host.readBytes(path));
      // What was written since is another content: the next look tells of it.
      const isMeant = bytes !== undefined && sha256(bytes) === digest;
      if (isMeant) this.#read.set(path, digest);
      const meaning = isMeant ? meaningOf(path, bytes, isKey) : undefined;
      if (meaning === undefined) this.#drop(path);
      else this.#keep(path, { sha256: digest, meaning });
    }
    for (const path of [...this.#kept.keys(), ...this.#read.keys()]) {
      if (!items.has(path)) this.#forget(path);
    }
  }

  #compare(
    path: string,
    old: KeptMeaning | undefined,
    was: Members | undefined,
    now: Members | undefined,
  ): Difference | undefined {
    // Of another mode or owner alone there is nothing to tell.
    if (isSame(was, now)) return undefined;
    // Each only for the content that was reported; of nothing there is nothing to compare.
    const [before, after] = [this.#meant(old, was), this.#meant(this.#kept.get(path), now)];
    if (before === undefined || after === undefined) return undefined;
    return compareMeanings(before, after);
  }

  #meant(kept: KeptMeaning | undefined, item: Members | undefined): Meaning | 'absent' | undefined {
    const digest = item?.['sha256'] ?? null;
    if (digest === null) return isGone(item) ? 'absent' : undefined;
    return kept?.sha256 === digest ? kept.meaning : undefined;
  }

  #keep(path: string, kept: KeptMeaning): void {
    this.#kept.set(path, kept);
    this.#isSaved = false;
  }

  #drop(path: string): void {
    if (this.#kept.delete(path)) this.#isSaved = false;
  }

  #forget(path: string): void {
    this.#drop(path);
    this.#read.delete(path);
  }
}

function isSame(was: Members | undefined, now: Members | undefined): boolean {
  return typeof was?.['sha256'] === 'string' && was['sha256'] === now?.['sha256'];
}

function isGone(item: Members | undefined): boolean {
  return item === undefined || item['reason'] === 'missing';
}
