import * as v from 'valibot';
import { sha256 } from '../../shared/canonical.ts';
import { formatOf } from './formats.ts';
import { keyFingerprints } from './key-fingerprints.ts';
import { readSettings } from './settings.ts';

/** What is kept of a file so that a later change of it can be explained. Nothing of it but differences leaves the node. */
export type Meaning =
  /** The text: a policy holds no secrets, and only two whole ones can be compared. */
  | { readonly kind: 'policy'; readonly text: string }
  /** By place: the value where values may be shown, else its digest. */
  | {
      readonly kind: 'settings';
      readonly shown: boolean;
      readonly values: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'keys'; readonly fingerprints: readonly string[] };

export const meaningSchema: v.GenericSchema<Meaning> = v.variant('kind', [
  v.strictObject({ kind: v.literal('policy'), text: v.string() }),
  v.strictObject({
    kind: v.literal('settings'),
    shown: v.boolean(),
    values: v.record(v.string(), v.string()),
  }),
  v.strictObject({ kind: v.literal('keys'), fingerprints: v.array(v.string()) }),
]);

/** Longer files are told to have changed, not how. */
const MAX_BYTES = 256 * 1024;
const MAX_VALUE_LENGTH = 200;

/** What is to be kept of a file; undefined for one that is nothing we read. A key file of a policy may lie anywhere. */
export function meaningOf(path: string, bytes: Uint8Array, isKey: boolean): Meaning | undefined {
  const format = formatOf(path) ?? (isKey ? ({ kind: 'keys' } as const) : undefined);
  if (format === undefined || bytes.length > MAX_BYTES) return undefined;
  if (format.kind === 'keys') return { kind: 'keys', fingerprints: keyFingerprints(bytes) };
  const text = utf8(bytes);
  if (text === undefined) return undefined;
  if (format.kind === 'policy') return { kind: 'policy', text };
  const settings = readSettings(format.format, text);
  if (settings === undefined) return undefined;
  const { shown } = format;
  const kept = [...settings].map(([place, value]) => [place, shown ? word(value) : sha256(value)]);
  return { kind: 'settings', shown, values: Object.fromEntries(kept) };
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** A long value keeps what tells it from another. */
function word(value: string): string {
  if (value.length <= MAX_VALUE_LENGTH) return value;
  return `${value.slice(0, MAX_VALUE_LENGTH).toWellFormed()}… (${sha256(value)})`;
}
