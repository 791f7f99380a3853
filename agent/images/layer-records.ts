import { parseList, RECORD_ID } from './records.ts';

/** One entry of layers.json, as far as images stand on it. */
export interface LayerRecord {
  /** Hex. */
  readonly id: string;
  /** The layer below; absent for the lowest. */
  readonly parent?: string;
  /** Digest of the unpacked archive, by which an image's configuration names the layer; not checked by anybody. */
  readonly diffDigest?: string;
  /** Being unpacked, or left over from a process that died doing it: never part of a finished image. */
  readonly isIncomplete: boolean;
}

export interface LayerRecords {
  readonly records: readonly LayerRecord[];
  /** One sentence for each entry that is no record. */
  readonly damaged: readonly string[];
}

/** `<driver>-layers/layers.json`. Throws `StoreError` when it is no list at all; one bad entry spoils only itself. */
export function parseLayerRecords(text: string, path: string): LayerRecords {
  const records: LayerRecord[] = [];
  const damaged: string[] = [];
  for (const [index, entry] of parseList(text, path, 'layers').entries()) {
    const record = toRecord(entry);
    if (typeof record === 'string') damaged.push(`${path}: [${index}]${record}`);
    else records.push(record);
  }
  return { records, damaged };
}

/** The record, or what is wrong with it. Go reads null into every member as if it were not there. */
function toRecord(entry: unknown): LayerRecord | string {
  if (typeof entry !== 'object' || entry === null) return ': expected an object';
  const members = entry as Readonly<Record<string, unknown>>;
  const [id, parent, digest] = [members['id'], members['parent'], members['diff-digest']];
  if (typeof id !== 'string' || !RECORD_ID.test(id)) return '.id: expected a layer id in hex';
  const flags = members['flags'] ?? {};
  if (typeof flags !== 'object' || Array.isArray(flags)) return '.flags: expected an object';
  for (const [name, value] of [
    ['parent', parent],
    ['diff-digest', digest],
  ] as const) {
    if (value !== undefined && value !== null && typeof value !== 'string') {
      return `.${name}: expected text`;
    }
  }
  return {
    id,
    ...(typeof parent === 'string' && parent !== '' ? { parent } : {}),
    ...(typeof digest === 'string' && digest !== '' ? { diffDigest: digest } : {}),
    isIncomplete: 'incomplete' in flags && flags.incomplete === true,
  };
}
