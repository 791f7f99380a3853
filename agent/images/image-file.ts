import type { Host } from '../host.ts';
import { type ArchiveBudget, placeOf, rebuildArchive } from './layer-archive.ts';
import { LayerError } from './layer-error.ts';
import type { PlacedLayer } from './layers.ts';
import { type TarEntry, TarReader } from './tar-reader.ts';

/** What one layer's archive says of a file. */
type Sight =
  | { readonly kind: 'here'; readonly bytes: Buffer }
  /** The layer takes the file of the layers below away. */
  | { readonly kind: 'hidden' }
  | { readonly kind: 'not-here' };

/**
 * A file as a container of the image would see it, taken out of archives that match their digests: the layers are rebuilt
 * from the top down until one has the file or takes it away; undefined when none has it. `digests` are those of the
 * image's configuration, lowest first, one a layer. Throws `LayerError`, `HostError`, the signal's reason.
 */
export async function readImageFile(
  host: Host,
  driver: string,
  layers: readonly PlacedLayer[],
  digests: readonly string[],
  path: string,
  limits: { readonly fileBytes: number; readonly budget: ArchiveBudget },
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  for (const [index, layer] of [...layers.entries()].reverse()) {
    const finder = new FileFinder(path, limits.fileBytes);
    const reader = new TarReader(finder);
    const place = placeOf(layer, driver);
    await rebuildArchive(
      host,
      place,
      digests[index] ?? '',
      limits.budget,
      (bytes) => reader.update(bytes),
      signal,
    );
    const sight = finder.end();
    if (sight.kind === 'here') return sight.bytes;
    if (sight.kind === 'hidden') return undefined;
  }
  return undefined;
}

/** Looks for one file in one archive, and for what the layer does to it (OCI image specification, "Whiteouts"). */
class FileFinder {
  readonly #path: string;
  readonly #limitBytes: number;
  readonly #whiteouts: ReadonlySet<string>;
  readonly #folders: ReadonlySet<string>;
  #pieces: Buffer[] | undefined;
  #sizeBytes = 0;
  #isHidden = false;

  constructor(path: string, limitBytes: number) {
    this.#path = path;
    this.#limitBytes = limitBytes;
    const parts = path.split('/');
    const parents = parts.slice(0, -1).map((_, index) => parts.slice(0, index + 1).join('/'));
    this.#folders = new Set(parents);
    this.#whiteouts = new Set([
      '.wh..wh..opq',
      ...[...parents, path].map((one) => one.replace(/[^/]+$/, '.wh.$&')),
      ...parents.map((folder) => `${folder}/.wh..wh..opq`),
    ]);
  }

  entry({ name, kind, size }: TarEntry): boolean {
    if (this.#whiteouts.has(name)) this.#isHidden = true;
    // A file or link in place of a folder on the way: below it is nothing, or something else.
    if (this.#folders.has(name) && kind !== 'folder') this.#isHidden = true;
    if (name !== this.#path) return false;
    const fault = (what: string): LayerError =>
      new LayerError('ERR_LAYER_ARCHIVE', `${this.#path} in the archive of the layer ${what}`);
    if (this.#pieces !== undefined) throw fault('is there twice');
    if (kind !== 'file') throw fault('is no regular file');
    if (size > this.#limitBytes) throw fault(`is larger than ${this.#limitBytes} bytes`);
    this.#pieces = [];
    this.#sizeBytes = size;
    return true;
  }

  content(bytes: Uint8Array): void {
    this.#pieces?.push(Buffer.from(bytes));
  }

  end(): Sight {
    if (this.#pieces !== undefined) {
      const bytes = Buffer.concat(this.#pieces);
      if (bytes.length === this.#sizeBytes) return { kind: 'here', bytes };
      const message = `${this.#path}: the archive of the layer ends within it`;
      throw new LayerError('ERR_LAYER_ARCHIVE', message);
    }
    return { kind: this.#isHidden ? 'hidden' : 'not-here' };
  }
}
