import type { Host } from './host.ts';

/**
 * Keeps for each host the last thing made, with the key that names all it was made of: with the same key it is the same
 * object. What `make` throws is thrown each time anew.
 */
export function lastMadePerHost<T>(): (host: Host, key: string, make: () => T) => T {
  const known = new WeakMap<Host, { readonly key: string; readonly value: T }>();
  return (host, key, make) => {
    const last = known.get(host);
    if (last?.key === key) return last.value;
    const value = make();
    known.set(host, { key, value });
    return value;
  };
}
