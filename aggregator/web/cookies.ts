/** The cookies of a `Cookie` header, by name; of two with one name the first, which is of the longer path. */
export function readCookies(header: string | undefined): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>();
  for (const pair of (header ?? '').split(';')) {
    const at = pair.indexOf('=');
    const name = pair.slice(0, at).trim();
    if (at > 0 && !cookies.has(name)) cookies.set(name, pair.slice(at + 1).trim());
  }
  return cookies;
}

export interface CookieOptions {
  /** Over TLS: sent over TLS only. */
  readonly isSecure: boolean;
  /** Without it the cookie ends with the browser; 0 takes it away. */
  readonly maxAgeSeconds?: number;
}

/** A `Set-Cookie` that no script reads and no other site sends. `value` needs no escaping: letters, digits, `-`, `_`. */
export function cookie(
  name: string,
  value: string,
  { isSecure, maxAgeSeconds }: CookieOptions,
): string {
  return [
    `${name}=${value}`,
    'Path=/',
    'HttpOnly',
    'SameSite=Strict',
    ...(isSecure ? ['Secure'] : []),
    ...(maxAgeSeconds === undefined ? [] : [`Max-Age=${maxAgeSeconds}`]),
  ].join('; ');
}
