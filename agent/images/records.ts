import { CodedError, messageOf } from '../../shared/errors.ts';

/** What of a store is damaged: its list of images, one image's metadata, its manifest, or its signatures. */
export type StoreErrorCode =
  | 'ERR_STORE_RECORDS'
  | 'ERR_STORE_METADATA'
  | 'ERR_STORE_MANIFEST'
  | 'ERR_STORE_SIGNATURES';

/** A store or an image in it that the node's own tools could not use either; what cannot be read is a `HostError`. */
export class StoreError extends CodedError<StoreErrorCode> {
  /** The code as a reason of a result: `records`, `metadata`, `manifest`, `signatures`. */
  get reason(): string {
    return this.code.slice('ERR_STORE_'.length).toLowerCase();
  }
}

/** One entry of images.json. */
export interface ImageRecord {
  /** Hex; for pulled images mostly the digest of the configuration. */
  readonly id: string;
  /** Digest the image was asked for by, or of its manifest; absent in records of old versions. */
  readonly digest?: string;
  /** Id of the top layer, as it stands in the record; absent for an image without layers. */
  readonly layer?: string;
  /** Newest first. */
  readonly names: readonly string[];
  readonly namesHistory: readonly string[];
  /** JSON as text; '' when there is none. */
  readonly metadata: string;
  readonly dataNames: readonly string[];
  readonly dataDigests: ReadonlyMap<string, string>;
  /** RFC 3339, of the image itself, not of its pull. */
  readonly created?: string;
}

/** An entry of images.json that is no image record. */
export interface DamagedRecord {
  /** Place in the list, from 0. */
  readonly index: number;
  readonly id?: string;
  readonly message: string;
}

export interface ImageRecords {
  readonly records: readonly ImageRecord[];
  readonly damaged: readonly DamagedRecord[];
}

/** `<driver>-images/images.json`. Throws `StoreError` when it is no list at all; one bad entry spoils only itself. */
export function parseImageRecords(text: string, path: string): ImageRecords {
  const entries = parseList(text, path, 'images');
  const records: ImageRecord[] = [];
  const damaged: DamagedRecord[] = [];
  for (const [index, entry] of entries.entries()) {
    const message = faultOf(entry);
    if (message === undefined)
      records.push(toRecord(entry as RawRecord)); // faultOf looked at every member
    else damaged.push({ index, ...idOf(entry), message: `${path}: [${index}]${message}` });
  }
  return { records, damaged };
}

/**
 * File name of a data item in an image's folder: the key itself where it has only `.`, 0-9 and a-z, else `=` and
 * its base64. The last character is never looked at (containers/storage, makeBigDataBaseName).
 */
export function dataFileName(key: string): string {
  const isPlain = /^[.0-9a-z]*.?$/su.test(key);
  return isPlain ? key : `=${Buffer.from(key).toString('base64')}`;
}

/** An entry after `faultOf` found nothing wrong with it. */
interface RawRecord {
  readonly id: string;
  readonly digest?: string | null;
  readonly layer?: string | null;
  readonly names?: readonly string[] | null;
  readonly 'names-history'?: readonly string[] | null;
  readonly metadata?: string | null;
  readonly 'big-data-names'?: readonly string[] | null;
  readonly 'big-data-digests'?: Readonly<Record<string, string>> | null;
  readonly created?: string | null;
}

/** Entries of a list as containers-storage writes it. Throws `StoreError` when it is none. */
export function parseList(text: string, path: string, what: string): readonly unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new StoreError('ERR_STORE_RECORDS', `${path}: not JSON: ${messageOf(cause)}`, { cause });
  }
  // Go writes null for a list without entries.
  if (value === null) return [];
  if (Array.isArray(value)) return value;
  throw new StoreError('ERR_STORE_RECORDS', `${path}: expected a list of ${what}`);
}

function toRecord(raw: RawRecord): ImageRecord {
  return {
    id: raw.id,
    ...(raw.digest ? { digest: raw.digest } : {}),
    ...(raw.layer ? { layer: raw.layer } : {}),
    names: raw.names ?? [],
    namesHistory: raw['names-history'] ?? [],
    metadata: raw.metadata ?? '',
    dataNames: raw['big-data-names'] ?? [],
    dataDigests: new Map(Object.entries(raw['big-data-digests'] ?? {})),
    ...(raw.created ? { created: raw.created } : {}),
  };
}

/** An id is the name of a folder: nothing but hex may become part of a path. */
export const RECORD_ID: RegExp = /^[0-9a-f]{1,128}$/;
const MEMBERS: Readonly<Record<string, (value: unknown) => boolean>> = {
  digest: isString,
  layer: isString,
  names: isStringList,
  'names-history': isStringList,
  metadata: isString,
  'big-data-names': isStringList,
  'big-data-digests': (value) =>
    typeof value === 'object' &&
    !Array.isArray(value) &&
    Object.values(value ?? {}).every(isString),
  created: isString,
};

/** What keeps an entry from being a record, undefined when nothing does. */
function faultOf(entry: unknown): string | undefined {
  if (typeof entry !== 'object' || entry === null) return ': expected an object';
  const members = entry as Readonly<Record<string, unknown>>;
  const id = members['id'];
  if (typeof id !== 'string' || !RECORD_ID.test(id)) return '.id: expected an image id in hex';
  for (const [name, isValid] of Object.entries(MEMBERS)) {
    const value = members[name];
    // Go reads null into every member as if it were not there.
    if (value !== undefined && value !== null && !isValid(value)) {
      return `.${name}: expected another type of value`;
    }
  }
  return undefined;
}

function idOf(entry: unknown): { readonly id?: string } {
  if (typeof entry !== 'object' || entry === null || !('id' in entry)) return {};
  return typeof entry.id === 'string' && RECORD_ID.test(entry.id) ? { id: entry.id } : {};
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isStringList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isString);
}
