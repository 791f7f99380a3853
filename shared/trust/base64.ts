const ALPHABET = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * Bytes of base64 as strictly as Go's `base64.StdEncoding`: padding is needed, CR and LF anywhere are skipped,
 * blanks and the URL alphabet are not base64 (`Buffer.from` takes them all). Undefined when the text is not that.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  const data = /[\r\n]/.test(text) ? text.replace(/[\r\n]/g, '') : text;
  return data.length % 4 === 0 && ALPHABET.test(data) ? Buffer.from(data, 'base64') : undefined;
}
