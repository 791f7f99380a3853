/** The algorithms that the digest library of containers/image knows, with the length of their hex form. */
const HEX_LENGTHS: ReadonlyMap<string, number> = new Map([
  ['sha256', 64],
  ['sha384', 96],
  ['sha512', 128],
]);

/** A content digest in its two parts; its text is `algorithm:hex`. */
export interface Digest {
  readonly algorithm: string;
  readonly hex: string;
}

/** Reads `sha256:…`, `sha384:…` or `sha512:…` with lower-case hex of the right length; undefined for all else. */
export function parseDigest(text: string): Digest | undefined {
  const [, algorithm = '', hex = ''] = /^([a-z0-9]+):([0-9a-f]{64,128})$/.exec(text) ?? [];
  return HEX_LENGTHS.get(algorithm) === hex.length ? { algorithm, hex } : undefined;
}
