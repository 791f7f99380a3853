/** An address as messages show it: without user and query, which may hold secrets. */
export function shownAddress(address: string | URL): string {
  const url = URL.parse(String(address));
  if (url === null) return 'an address that cannot be read';
  const slashes = /^[a-z+.-]+:\/\//i.test(String(address)) ? '//' : '';
  return `${url.protocol}${slashes}${url.host}${url.pathname}`;
}
