import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { counted } from '../../shared/counted.ts';
import type { Host } from '../host.ts';
import { LayerError } from './layer-error.ts';
import type { PlacedLayer } from './layers.ts';
import { readTarSplit } from './tar-split.ts';

/** What may be spent on rebuilding, counted down by it. */
export interface ArchiveBudget {
  bytes: number;
}

/** Where the parts of a layer lie. */
export interface LayerPlace {
  readonly tarSplit: string;
  /** Folder of the unpacked files. */
  readonly files: string;
}

/** Read at once and without the thread pool; larger files come in pieces. */
const SMALL_BYTES = 256 * 1024;
/** Between two turns of everything else in this process: some milliseconds of hashing, reading and opening. */
const BYTES_IN_A_ROW = 2 * 1024 * 1024;
const FILES_IN_A_ROW = 32;

/** The layer's own folder; that of vfs holds the files of the layers below too, which do no harm. */
export function placeOf({ record, folder }: PlacedLayer, driver: string): LayerPlace {
  const { id } = record;
  return {
    tarSplit: `${folder.path}/${id}.tar-split.gz`,
    files:
      driver === 'vfs' ? `${folder.root}/vfs/dir/${id}` : `${folder.root}/${driver}/${id}/diff`,
  };
}

/**
 * Rebuilds the archive that a layer was unpacked from, out of the pieces its store kept and the files as they lie there
 * now, and hands it to `onBytes` as it comes. Resolves when it was the archive of this digest to the last byte: only then
 * is what was handed out worth anything. Throws `LayerError`, `HostError`, the signal's reason.
 */
export async function rebuildArchive(
  host: Host,
  { tarSplit, files }: LayerPlace,
  digest: string,
  budget: ArchiveBudget,
  onBytes: (bytes: Uint8Array) => void,
  signal: AbortSignal,
): Promise<void> {
  const hash = createHash('sha256');
  let [bytesInARow, filesInARow] = [0, 0];
  const take = (bytes: Uint8Array): void => {
    hash.update(bytes);
    onBytes(bytes);
    bytesInARow += bytes.length;
  };
  const spend = (bytes: number): void => {
    budget.bytes -= bytes;
    if (budget.bytes >= 0) return;
    throw new LayerError('ERR_LAYER_LIMIT', `${files}: more bytes than are rebuilt for one image`);
  };
  const rest = async (): Promise<void> => {
    if (bytesInARow < BYTES_IN_A_ROW && filesInARow < FILES_IN_A_ROW) return;
    [bytesInARow, filesInARow] = [0, 0];
    await setImmediate();
    signal.throwIfAborted();
  };
  const folder = (await host.resolve(files)) ?? files;
  for await (const entry of readTarSplit(host, tarSplit)) {
    spend(entry.kind === 'bytes' ? entry.bytes.length : entry.size);
    if (entry.kind === 'bytes') take(entry.bytes);
    else {
      filesInARow++;
      for await (const piece of contentOf(host, folder, entry)) {
        take(piece);
        await rest();
      }
    }
    await rest();
  }
  const found = `sha256:${hash.digest('hex')}`;
  if (found === digest) return;
  const message = `${files}: what lies there is not the layer of the image: expected ${digest}, found ${found}`;
  throw new LayerError('ERR_LAYER_DIGEST', message);
}

/** Exactly as many bytes as the archive has of the file. */
async function* contentOf(
  host: Host,
  folder: string,
  { name, size }: { readonly name: string; readonly size: number },
): AsyncGenerator<Buffer> {
  const path = await placeIn(host, folder, name);
  let length = 0;
  for await (const piece of size <= SMALL_BYTES ? small(host, path, size) : host.readPieces(path)) {
    length += piece.length;
    if (length > size) break;
    yield piece;
  }
  if (length === size) return;
  const found = length > size ? 'more' : `${length}`;
  throw new LayerError(
    'ERR_LAYER_FILE',
    `${path}: expected ${counted(size, 'byte')}, found ${found}`,
  );
}

async function* small(host: Host, path: string, size: number): AsyncGenerator<Buffer> {
  // A file that grew is told by its size, not refused as too large.
  const bytes = await host.readBytes(path, Math.max(size * 2, SMALL_BYTES));
  if (bytes !== undefined) yield bytes;
}

/** The archive names files by paths of the layer; none of them may lead elsewhere, by `..` or by a link. */
async function placeIn(host: Host, folder: string, name: string): Promise<string> {
  const path = posix.join(folder, posix.join('/', name));
  const resolved = await host.resolve(path);
  if (resolved === path) return path;
  const what = resolved === undefined ? 'no such file' : 'there is a link on the way';
  throw new LayerError('ERR_LAYER_FILE', `${path}: ${what}`);
}
