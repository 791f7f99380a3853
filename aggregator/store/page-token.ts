import { StoreError } from './store.ts';

type Part = string | number;

/** Where a page ended, as text for the caller to hand back. */
export function encodePageToken(parts: readonly Part[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** The parts of a token; `kinds` says what each must be. Throws `ERR_STORE_PAGE`. */
export function decodePageToken(
  token: string,
  kinds: readonly ('string' | 'number')[],
): readonly Part[] {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    parts = undefined;
  }
  if (Array.isArray(parts) && parts.length === kinds.length) {
    const values: readonly unknown[] = parts;
    if (kinds.every((kind, index) => isPart(values[index], kind))) return parts;
  }
  throw new StoreError('ERR_STORE_PAGE', 'continue: not a value that this server gave');
}

function isPart(value: unknown, kind: 'string' | 'number'): value is Part {
  return typeof value === kind && (kind === 'string' || Number.isSafeInteger(value));
}
