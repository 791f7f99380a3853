import { ForwardingHost } from '../forwarding-host.ts';
import type { ContentIdentity, Host } from '../host.ts';
import { isSettled } from '../settled.ts';
import { OutsideFiles } from './outside-files.ts';
import type { ImageStore, StoredImage } from './store.ts';

/** Which content was read, each place once: what was not there has its word too. */
export type DataIdentity = readonly { readonly place: string; readonly sight: Sight }[];
type Sight = ContentIdentity | typeof ABSENT;

const ABSENT = 'absent';
/** Kept for a moment, since an image is read for each of its names. */
const HELD_BYTES = 64 * 1024;

/**
 * The node while a pass reads the data of images: as the host itself, and it remembers which content it saw. It holds what
 * it read until `release`.
 */
export class DataReader extends ForwardingHost {
  readonly #nowMs: number;
  /** Folders of images, with every link on the way resolved. */
  readonly #folders: ReadonlyMap<string, string>;
  /** By folder of one image: what was read there; undefined for what changed too lately, or meanwhile. */
  readonly #read = new Map<string, Map<string, Sight | undefined>>();
  readonly #outside: OutsideFiles;
  readonly #held = new Map<string, Buffer | undefined>();
  /** Read right now: an image under two names is judged under both at once. */
  readonly #reading = new Map<string, Promise<Buffer | undefined>>();

  /** The folders as one text. */
  readonly folders: string;

  private constructor(host: Host, folders: ReadonlyMap<string, string>, nowMs: number) {
    super(host);
    this.#folders = folders;
    this.folders = JSON.stringify([...folders]);
    this.#nowMs = nowMs;
    this.#outside = new OutsideFiles(host, nowMs);
  }

  static async open(host: Host, store: ImageStore, nowMs: number): Promise<DataReader> {
    const folders = new Map<string, string>();
    for (const { path } of store.folders) {
      const resolved = await host.resolve(path).catch(() => undefined);
      if (resolved !== undefined) folders.set(path, resolved);
    }
    return new DataReader(host, folders, nowMs);
  }

  /** Where the data of an image may lie: a folder of its own in each that has a record of it. */
  placesOf(store: ImageStore, { id }: StoredImage): readonly string[] {
    return store.folders.flatMap(({ path, ids }) =>
      ids.has(id) ? `${this.#folders.get(path) ?? path}/${id}` : [],
    );
  }

  /**
   * What was read of an image so far, and of these files outside of the store; undefined when a later look could not tell a
   * change of it.
   */
  identityOf(
    store: ImageStore,
    image: StoredImage,
    outside: readonly string[] = [],
  ): DataIdentity | undefined {
    const identity = new Map<string, Sight>();
    for (const folder of this.placesOf(store, image)) {
      let isAnyThere = false;
      for (const [place, sight] of this.#read.get(folder) ?? []) {
        if (sight === undefined) return undefined;
        identity.set(place, sight);
        isAnyThere ||= sight !== ABSENT && place !== folder;
      }
      // A file that is there has its folder in its path: a folder put in its place has other files.
      if (isAnyThere) identity.delete(folder);
    }
    for (const path of outside) {
      const seen = this.#outside.seen(path);
      if (seen === undefined) return undefined;
      identity.set(seen.place, seen.identity);
    }
    if (identity.size === 0) return undefined;
    return [...identity].map(([place, sight]) => ({ place, sight }));
  }

  /** Lets go of what it holds. */
  release(): void {
    this.#held.clear();
  }

  override async readBytes(path: string, limitBytes?: number): Promise<Buffer | undefined> {
    const place = this.#placeOf(path);
    if (place === undefined) return await this.#outside.read(path, limitBytes);
    if (this.#held.has(path)) return this.#held.get(path);
    const reading = this.#reading.get(path) ?? this.#readData(path, place, limitBytes);
    this.#reading.set(path, reading);
    try {
      return await reading;
    } finally {
      this.#reading.delete(path);
    }
  }

  async #readData(
    path: string,
    [folder, file]: readonly [folder: string, file: string],
    limitBytes?: number,
  ): Promise<Buffer | undefined> {
    const seen = this.#read.get(folder) ?? new Map<string, Sight | undefined>();
    this.#read.set(folder, seen);
    const isAgain = seen.has(file);
    const before = seen.get(file);
    // Until it is known, and so also after a failure: a later look could not tell a change.
    seen.set(file, undefined);
    const found = await this.host.readIdentified(path, limitBytes);
    const bytes = found?.bytes;
    const sight = found === undefined ? this.#absence(file) : this.#settled(found.identity);
    if (found === undefined && !seen.has(folder)) seen.set(folder, this.#folderSight(folder));
    seen.set(file, isAgain && !isSame(before, sight) ? undefined : sight);
    if (bytes === undefined || bytes.length <= HELD_BYTES) this.#held.set(path, bytes);
    return bytes;
  }

  /** An image's folder as it is; what is missing behind a link cannot be looked for there later. */
  #folderSight(folder: string): Sight | undefined {
    const identity = this.host.identify(folder);
    return identity === undefined ? ABSENT : this.#settled(identity);
  }

  /** Nothing came of a read; a link that leads nowhere now may lead somewhere later. */
  #absence(file: string): Sight | undefined {
    return this.host.identify(file) === undefined ? ABSENT : undefined;
  }

  #settled(identity: ContentIdentity | undefined): ContentIdentity | undefined {
    return identity !== undefined && isSettled(identity, this.#nowMs) ? identity : undefined;
  }

  /** The image's folder and the file in it, as they lie behind all links; undefined for what is no image's data. */
  #placeOf(path: string): readonly [folder: string, file: string] | undefined {
    const end = path.lastIndexOf('/');
    const start = path.lastIndexOf('/', end - 1);
    const folder = this.#folders.get(path.slice(0, start));
    if (folder === undefined) return undefined;
    return [`${folder}${path.slice(start, end)}`, `${folder}${path.slice(start)}`];
  }
}

/** True when the content that was read is what is there now. */
export function isStillThere(host: Host, identity: DataIdentity): boolean {
  return identity.every(({ place, sight }) => {
    const known = sight === ABSENT ? undefined : sight;
    return isSame(host.identify(place, known) ?? ABSENT, sight);
  });
}

function isSame(one: Sight | undefined, other: Sight | undefined): boolean {
  if (one === other) return true;
  if (one === undefined || one === ABSENT) return false;
  return other !== undefined && other !== ABSENT && one.equals(other);
}
