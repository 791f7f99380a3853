const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Text of UTF-8 bytes as Go reads them: every byte that is no part of a well-formed sequence becomes one U+FFFD
 * (TextDecoder makes one of several), and a byte order mark stays in the text.
 */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return decodeDamaged(bytes);
  }
}

/** Decoded in one go: a text that is damaged throughout takes no longer than a sound one of three times its length. */
function decodeDamaged(bytes: Uint8Array): string {
  const mended = new Uint8Array(3 * bytes.length);
  let end = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    if (length === 0) {
      mended.set(REPLACEMENT, end);
      end += REPLACEMENT.length;
      at++;
      continue;
    }
    for (const next = at + length; at < next; at++) mended[end++] = bytes[at] ?? 0;
  }
  return strict.decode(mended.subarray(0, end));
}

/** U+FFFD in UTF-8. */
const REPLACEMENT = [0xef, 0xbf, 0xbd] as const;

/** Bytes of the well-formed sequence at `at`, 0 when there is none (Unicode 15, table 3-7). */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  for (let next = 1; next < length; next++) {
    const byte = bytes[at + next] ?? 0;
    const inRange = next === 1 ? byte >= low && byte <= high : byte >= 0x80 && byte <= 0xbf;
    if (!inRange) return 0;
  }
  return length;
}
