import { normalize } from 'node:path/posix';
import { parseDigest } from './digest.ts';

/**
 * What a transport asks of the scopes of a policy, as `ValidatePolicyConfigurationScope` of containers/image: the
 * cause when it refuses one, undefined when it takes it. The scope "" and unknown transports are not asked.
 */
type ScopeRule = (scope: string) => string | undefined;

const RULES: ReadonlyMap<string, ScopeRule> = new Map([
  ['docker', () => undefined],
  ['docker-daemon', refuseDigest],
  ['atomic', refuseBeyondStream],
  ['dir', refuseUncleanPath],
  ['oci', refuseUncleanPath],
  ['oci-archive', refuseUncleanPath],
  ['sif', refuseUncleanPath],
  ['docker-archive', refuseAny],
  ['tarball', refuseAny],
  ['containers-storage', refuseUnlikeStorage],
  ['ostree', () => undefined],
]);

/** True for the transports of containers-transports(5), and `ostree`, of which only the name is left. */
export function isKnownTransport(transport: string): boolean {
  return RULES.has(transport);
}

/** Why a transport refuses a scope; undefined when it accepts it. */
export function refuseScope(transport: string, scope: string): string | undefined {
  return scope === '' ? undefined : RULES.get(transport)?.(scope);
}

function refuseDigest(scope: string): string | undefined {
  return parseDigest(scope) && 'expected a name, an image id is no scope of docker-daemon';
}

function refuseBeyondStream(scope: string): string | undefined {
  // "." of JavaScript and Go differ in what ends a line; these sets do not
  const isParent = /^[^/]*(?:\/[^:/]*(?:\/[^:/]*(?::[^:/]*)?)?)?$/.test(scope);
  return isParent ? undefined : 'expected at most host/namespace/stream:tag';
}

function refuseUncleanPath(scope: string): string | undefined {
  if (!scope.startsWith('/')) return 'expected an absolute path';
  if (scope === '/') return 'expected the scope "" in place of "/"';
  const clean = cleanPath(scope);
  return clean === scope ? undefined : `expected a clean path, ${JSON.stringify(clean)}`;
}

function refuseAny(): string {
  return 'expected "", this transport has no other scope';
}

function refuseUnlikeStorage(scope: string): string | undefined {
  const close = scope.indexOf(']');
  if (!scope.startsWith('[') || close < 1) {
    return 'expected a store, [driver@/root] or [/root], at its beginning';
  }
  const store = scope.slice(1, close);
  const at = store.indexOf('@');
  if (at === 0 || store === '' || !store.startsWith('/', at + 1)) {
    return 'expected a store as [driver@/root] or [/root]';
  }
  return refuseNameInStore(scope.slice(close + 1));
}

/** The name itself is not checked: `name`, `name@digest`, `name@id`, `name@digest@id`, `@id`. */
function refuseNameInStore(name: string): string | undefined {
  const [, first, ...rest] = name.split('@');
  if (first === undefined) return undefined;
  const [second] = rest;
  if (second === undefined) {
    return isImageId(first) || parseDigest(first)
      ? undefined
      : 'expected a digest or an image id after the "@"';
  }
  const isWhole = parseDigest(first) !== undefined && isImageId(rest.join('@'));
  return isWhole ? undefined : 'expected name@digest@id';
}

/** 64 hex digits, the whole id of an image in containers-storage. */
export function isImageId(text: string): boolean {
  return parseDigest(`sha256:${text}`) !== undefined;
}

/** `filepath.Clean` of Go: as `normalize`, without a slash at the end. */
export function cleanPath(path: string): string {
  const clean = normalize(path);
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean;
}
