import { sha256 } from '../../shared/canonical.ts';
import type { ImageVerdict } from '../../shared/images.ts';
import type { Host } from '../host.ts';
import type { ImageContents } from './contents.ts';
import { type DataIdentity, type DataReader, isStillThere } from './data-reader.ts';
import type { Judged } from './judge.ts';
import { LayerMemory } from './layers.ts';
import type { JudgedImage } from './policy-judges.ts';
import { ReleaseMemory } from './release-memory.ts';
import type { SelectedImage } from './select.ts';
import type { StorageConfig } from './storage-conf.ts';
import { type ImageStore, isUnchanged, readImageStore, type StoredImage } from './store.ts';
import { MAX_AGE_MS, type VerdictCache } from './verdict-cache.ts';

/** What is said of one image under one name. */
export interface Assessment {
  readonly verdict: ImageVerdict;
  /** Present when contents were asked for. */
  readonly contents: ImageContents | undefined;
}

interface Entry extends Assessment {
  image: StoredImage;
  /** What the record says of its data, and where they may lie. */
  readonly state: string;
  readonly folders: string;
  readonly basis: string;
  readonly identity: DataIdentity;
  /** When the oldest thing it rests on was looked at. */
  readonly atMs: number;
  /** Keys under which the verdict cache knows what it rests on. */
  readonly keys: readonly string[];
}

/** What a pass is about; all that an assessment depends on beside the image and its judge. */
export interface Pass {
  readonly host: Host;
  readonly store: ImageStore;
  readonly reader: DataReader;
  readonly nowMs: number;
  /** No server is asked: what was found is on the node's own disk. */
  readonly isOffline: boolean;
}

/**
 * Why an image is undecided although all that there is was looked at: it stays so as long as nothing changes. Beside
 * them are failures of reading, which may be over the next time.
 */
const LASTING: ReadonlySet<string> = new Set([
  'source-not-enabled',
  'reference-invalid',
  'manifest-list',
]);

/** A change of images.json so short after another may look like it. */
const SETTLED_MS = 2_000;

/**
 * Spares a pass to read what has not changed since the last one. The list of images counts as unchanged with the same
 * lock content and file; an image with the same record, and the same device, inode, size and times of change of its folder and of
 * every file that was read for it. Those are looked at in every pass, one call each: what is written in place, replaced,
 * added or removed is found by the next pass. What leaves no trace there, a failing disk or one written below the file
 * system, is found within 15 minutes: so long an assessment lasts, and then its files are read again.
 *
 * What a server was asked for is not kept: a signature may come to it at any time. Files of a lookaside are looked at as
 * those of the store, and where one was missing, the folder it would be in.
 */
export class PassMemory {
  readonly layers: LayerMemory = new LayerMemory();
  readonly releases: ReleaseMemory = new ReleaseMemory();
  readonly #entries = new Map<string, Entry>();
  #store:
    | { readonly key: string; readonly store: ImageStore; readonly readAtMs: number }
    | undefined;

  /** The records, as in the last pass when no writer was there since. */
  async readStore(host: Host, config: StorageConfig, nowMs: number): Promise<ImageStore> {
    const key = JSON.stringify(config);
    const known = this.#store;
    if (known?.key === key && isFresh(known.readAtMs, nowMs)) {
      if (await isUnchanged(host, known.store)) return known.store;
    }
    const store = await readImageStore(host, config);
    this.#store = (await isSettled(host, store, nowMs))
      ? { key, store, readAtMs: nowMs }
      : undefined;
    return store;
  }

  /** What an earlier pass said, when nothing of it can have changed. */
  recall(pass: Pass, selected: JudgedImage, cache: VerdictCache): Assessment | undefined {
    const entry = this.#entries.get(selected.key);
    if (entry === undefined || !isFresh(entry.atMs, pass.nowMs)) return undefined;
    if (entry.basis !== selected.judge.basis || entry.folders !== pass.reader.folders)
      return undefined;
    // The very same record comes of a list that nobody has touched.
    if (entry.image !== selected.image && entry.state !== stateIn(pass, selected)) return undefined;
    if (!isStillThere(pass.host, entry.identity)) return undefined;
    for (const key of entry.keys) cache.keep(key);
    entry.image = selected.image;
    return entry;
  }

  keep(
    pass: Pass,
    selected: JudgedImage,
    { verdict, attempts }: Judged,
    contents: ImageContents | undefined,
  ): void {
    const looked = attempts.flatMap((attempt) => attempt.looked ?? []);
    const identity = pass.reader.identityOf(pass.store, selected.image, looked);
    const isOfNode =
      pass.isOffline || attempts.every(({ source }) => source === 'store' || source === 'none');
    const isLasting = verdict.verdict !== 'unknown' || LASTING.has(verdict.reason ?? '');
    if (identity === undefined || !isOfNode || !isLasting) {
      this.#entries.delete(selected.key);
      return;
    }
    const judged = attempts.flatMap((attempt) => attempt.judged ?? []);
    this.#entries.set(selected.key, {
      verdict,
      contents,
      image: selected.image,
      state: stateIn(pass, selected),
      folders: pass.reader.folders,
      basis: selected.judge.basis,
      identity,
      atMs: Math.min(pass.nowMs, ...judged.map(({ atMs }) => atMs)),
      keys: judged.map(({ key }) => key),
    });
  }

  /** Ends a pass over the whole store: forgets images, names and judges that are gone. */
  endPass(selected: readonly JudgedImage[]): void {
    const present = new Set(selected.map(({ key }) => key));
    for (const key of this.#entries.keys()) if (!present.has(key)) this.#entries.delete(key);
  }
}

/** A record never changes: what it says is put into one short word, once. */
const states = new WeakMap<StoredImage, string>();

/** What a writer changes with an image's data. */
export function stateOf({ image }: SelectedImage): string {
  const known = states.get(image);
  if (known !== undefined) return known;
  const { digest, metadata, dataDigests, dataNames, folder } = image;
  const state = sha256(JSON.stringify([folder, digest, metadata, dataNames, ...dataDigests]));
  states.set(image, state);
  return state;
}

function stateIn({ store, reader }: Pass, selected: SelectedImage): string {
  return `${stateOf(selected)}\n${reader.placesOf(store, selected.image).join('\n')}`;
}

/** A clock set back says nothing of how old a thing is. */
function isFresh(atMs: number, nowMs: number): boolean {
  return Math.abs(nowMs - atMs) <= MAX_AGE_MS;
}

async function isSettled(host: Host, { folders }: ImageStore, nowMs: number): Promise<boolean> {
  for (const { path, problem } of folders) {
    if (problem !== undefined) return false;
    const file = await host.resolve(`${path}/images.json`).catch(() => undefined);
    const changedMs = file === undefined ? 0 : (host.identify(file)?.changedMs ?? Infinity);
    if (changedMs >= nowMs - SETTLED_MS) return false;
  }
  return true;
}
