const NUL = '\0';
const REPLACEMENT = '\u{fffd}';

/**
 * Text from a node as every database can keep it: PostgreSQL has no NUL in its texts, and half a surrogate pair is no
 * UTF-8. What cannot be kept shows as U+FFFD.
 */
export function storable(text: string): string {
  return text.includes(NUL)
    ? text.replaceAll(NUL, REPLACEMENT).toWellFormed()
    : text.toWellFormed();
}
