import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CodedError, messageOf } from '../../shared/errors.ts';
import { decodeBase64 } from '../../shared/trust/base64.ts';
import type { Host } from '../host.ts';
import { LayerError } from './layer-error.ts';

/** One piece of an archive: bytes that were kept, or a file of the layer whose content belongs here. */
export type TarSplitEntry =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly name: string; readonly size: number };

/** One line holds a header, or the padding between files: some KiB. */
const LINE_LIMIT_BYTES = 4 * 1024 * 1024;
const LINE_FEED = 0x0a;
const [FILE, SEGMENT] = [1, 2];

/**
 * The pieces of a layer's archive in their order, from the file beside its record (vbatts/tar-split: lines of JSON,
 * gzipped). Throws `LayerError` for what is no such file, `HostError` for one that cannot be read.
 */
export async function* readTarSplit(host: Host, path: string): AsyncGenerator<TarSplitEntry> {
  let position = 0;
  for await (const line of linesOf(host, path)) {
    const entry = readEntry(line, path, position);
    if (entry !== undefined) yield entry;
    position++;
  }
}

async function* linesOf(host: Host, path: string): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  // Its outcome is the iterator's: an error of reading ends both.
  pipeline(Readable.from(host.readPieces(path)), gunzip, () => undefined);
  const pending: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      let from = 0;
      for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
        yield Buffer.concat([...pending.splice(0), chunk.subarray(from, end)]);
        length = 0;
        from = end + 1;
      }
      if (from === chunk.length) continue;
      pending.push(chunk.subarray(from));
      length += chunk.length - from;
      if (length > LINE_LIMIT_BYTES) {
        throw new LayerError(
          'ERR_LAYER_LIMIT',
          `${path}: a line of more than ${LINE_LIMIT_BYTES} bytes`,
        );
      }
    }
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    throw new LayerError('ERR_LAYER_TAR_SPLIT', `${path}: ${messageOf(cause)}`, { cause });
  }
  if (length > 0) throw new LayerError('ERR_LAYER_TAR_SPLIT', `${path}: ends within a line`);
}

/** Undefined for what adds nothing to the archive: empty files and empty padding. */
function readEntry(line: Buffer, path: string, position: number): TarSplitEntry | undefined {
  const fault = (what: string): LayerError =>
    new LayerError('ERR_LAYER_TAR_SPLIT', `${path}: line ${position + 1}: ${what}`);
  let value: unknown;
  try {
    value = JSON.parse(line.toString());
  } catch (cause) {
    throw fault(messageOf(cause));
  }
  if (typeof value !== 'object' || value === null) throw fault('expected an object');
  const entry = value as Readonly<Record<string, unknown>>;
  const { type, payload = null, name, name_raw: rawName, size = 0 } = entry;
  // The order of the lines is that of the archive, and the numbers only say it again; 0 is left out.
  if ((entry['position'] ?? 0) !== position) throw fault(`expected position ${position}`);
  if (type === SEGMENT) {
    const bytes = typeof payload === 'string' ? decodeBase64(payload) : undefined;
    if (bytes === undefined && payload !== null) throw fault('payload: expected base64');
    return bytes === undefined || bytes.length === 0 ? undefined : { kind: 'bytes', bytes };
  }
  if (type !== FILE) throw fault('type: expected 1 (file) or 2 (bytes)');
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw fault('size: expected a number of bytes');
  }
  if (size === 0) return undefined;
  if (typeof name === 'string' && name !== '') return { kind: 'file', name, size };
  if (typeof rawName === 'string') throw fault('name_raw: names that are no UTF-8 are not read');
  throw fault('name: expected the name of a file');
}
