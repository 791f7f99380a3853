import { parseDigest } from './digest.ts';
import { cleanPath, isImageId } from './policy-scope-syntax.ts';
import {
  ImageReferenceError,
  isNameOnly,
  parseReference,
  type Reference,
  referenceText,
  withDefaultTag,
} from './reference.ts';

/** What the look-up of a scope has to know of the node, because trust itself opens nothing. */
export interface ScopeOptions {
  /**
   * The absolute path without symbolic links that a path of dir:, oci:, oci-archive: or sif: stands for; throws
   * `ImageReferenceError` when there is none. Default: an absolute path is cleaned and taken to hold no links.
   */
  readonly resolvePath?: (path: string) => string;
  /** The store that a containers-storage reference means when it does not say. */
  readonly store?: ImageStoreName;
}

/** What names a containers-storage: its driver and its graph root. */
export interface ImageStoreName {
  readonly driver: string;
  readonly root: string;
}

/**
 * The scopes of a Docker reference, most exact first: itself with its tag (`latest` when it has neither tag nor
 * digest) or digest, repository, namespaces, host, wildcards of the host without its port. Policies and registries.d
 * use the same. Throws `ImageReferenceError` for a reference with both, which docker: does not take.
 */
export function dockerScopes(image: Reference): readonly string[] {
  const reference = withDefaultTag(image);
  if (reference.tag !== undefined && reference.digest !== undefined) {
    throw refused(referenceText(reference), 'expected a tag or a digest, not both');
  }
  return [referenceText(reference), ...parents(reference.name), ...wildcards(reference)];
}

type Candidates = (reference: string, options: ScopeOptions) => readonly string[];

const CANDIDATES: ReadonlyMap<string, Candidates> = new Map([
  ['docker', ofDocker],
  ['docker-daemon', ofDockerDaemon],
  ['atomic', ofAtomic],
  ['dir', ofPath],
  ['sif', ofPath],
  ['oci', ofLayout],
  ['oci-archive', ofLayout],
  ['docker-archive', ofDockerArchive],
  ['tarball', () => []],
  ['containers-storage', ofStorage],
]);

/**
 * The scopes that can speak for an image, most exact first, without the transport's "": its identity, then the
 * namespaces, as `PolicyConfigurationIdentity` and `…Namespaces` of containers/image. Throws `ImageReferenceError`
 * for what the transport does not take as a reference.
 */
export function scopeCandidates(
  transport: string,
  reference: string,
  options: ScopeOptions = {},
): readonly string[] {
  const candidates = CANDIDATES.get(transport);
  if (candidates === undefined) {
    throw new ImageReferenceError(`${JSON.stringify(transport)}: expected a transport of images`);
  }
  return candidates(reference, options);
}

/** How a command line names an image that it will push by a digest nobody knows yet. */
const UNKNOWN_DIGEST = '@@unknown-digest@@';

function ofDocker(text: string): readonly string[] {
  if (!text.endsWith(UNKNOWN_DIGEST)) return dockerScopes(parseReference(text));
  const reference = parseReference(text.slice(0, -UNKNOWN_DIGEST.length));
  if (!isNameOnly(reference)) throw refused(text, 'expected neither tag nor digest before it');
  return [...parents(reference.name), ...wildcards(reference)];
}

/** An image id has no names above it. */
function ofDockerDaemon(text: string): readonly string[] {
  const id = parseDigest(text);
  if (id?.algorithm === 'sha256') return [];
  const { name, tag, digest } = parseReference(text);
  if (id !== undefined || name === 'docker.io/library/sha256') {
    throw refused(text, 'expected a name, or an image id as sha256:…');
  }
  if (tag === undefined && digest === undefined) throw refused(text, 'expected a tag or a digest');
  return ofDocker(text);
}

function ofAtomic(text: string): readonly string[] {
  const { path, tag } = parseReference(text);
  if (tag === undefined || path.split('/').length !== 2) {
    throw refused(text, 'expected host/namespace/stream:tag');
  }
  return ofDocker(text);
}

/** PATH_MAX of Linux with its NUL: the library looks a path up, and for a longer one the system refuses. */
const MAX_PATH_BYTES = 4095;

function ofPath(path: string, { resolvePath = absolute }: ScopeOptions): readonly string[] {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw refused(path, `expected a path of at most ${MAX_PATH_BYTES} bytes`);
  }
  return parents(resolvePath(path));
}

const NAME_PART = '[A-Za-z0-9]+(?:(?:--|[-._:@+])[A-Za-z0-9]+)*';
const NAME_IN_LAYOUT = new RegExp(`^(?:${NAME_PART}(?:/${NAME_PART})*)?$`);

/** What follows the path, a name or `@index`, must be well-formed but plays no part. */
function ofLayout(text: string, options: ScopeOptions): readonly string[] {
  const [path, image] = cut(text, ':');
  if (!NAME_IN_LAYOUT.test(image) && !isIndex(image)) {
    throw refused(text, 'expected path[:image] or path:@index');
  }
  return ofPath(path, options);
}

function ofDockerArchive(text: string): readonly string[] {
  const [, image] = cut(text, ':');
  if (text === '') throw refused(text, 'expected path[:reference] or path:@index');
  if (!text.includes(':') || isIndex(image)) return [];
  const { tag, digest } = withDefaultTag(parseReference(image));
  if (tag === undefined || digest !== undefined) throw refused(text, 'expected a tag, no digest');
  return [];
}

function ofStorage(text: string, options: ScopeOptions): readonly string[] {
  const [{ driver, root }, rest] = storeOf(text, options);
  const [name, id] = nameAndId(rest);
  const store = `[${driver}@${root}]`;
  const scopes: string[] = [];
  if (name !== '') {
    const reference = withDefaultTag(parseReference(name));
    const { tag, digest } = reference;
    if (id !== '') scopes.push(`${referenceText(reference)}@${id}`);
    scopes.push(referenceText(reference));
    if (tag !== undefined && digest !== undefined) scopes.push(`${reference.name}:${tag}`);
    scopes.push(...parents(reference.name));
  } else if (id !== '') {
    scopes.push(`@${id}`);
  } else {
    throw refused(text, 'expected a name or an image id');
  }
  return [...scopes.map((scope) => store + scope), store, `[${root}]`];
}

/** `[driver@/root+/run:options]` in front of a reference; run root and options play no part. */
function storeOf(text: string, { store }: ScopeOptions): readonly [ImageStoreName, string] {
  if (!text.startsWith('[')) {
    if (store === undefined) throw refused(text, 'expected a store, [driver@/root], in front');
    return [store, text];
  }
  const close = text.indexOf(']');
  if (close === -1) throw refused(text, 'expected "]" behind the store');
  const written = text.slice(1, close);
  const [driver, places] = written.includes('@') ? cut(written, '@') : [store?.driver, written];
  const [graphRoot, runRoot] = cut(cut(places, ':')[0], '+');
  const root = graphRoot || store?.root;
  const areAbsolute = root?.startsWith('/') && (runRoot === '' || runRoot.startsWith('/'));
  if (!driver || !root || places === '' || !areAbsolute) {
    throw refused(text, 'expected a store as [driver@/root]');
  }
  return [{ driver, root }, text.slice(close + 1)];
}

/** An id is peeled off the end, a digest stays with its name. */
function nameAndId(text: string): readonly [string, string] {
  const at = text.lastIndexOf('@');
  const last = text.slice(at + 1);
  if (at === -1 || parseDigest(last) !== undefined) return [text, ''];
  if (!isImageId(last)) throw refused(text, 'expected a digest or a whole image id after the "@"');
  return [text.slice(0, at), last];
}

/** The name and what is left of it by taking away one part after the other. */
function parents(name: string): readonly string[] {
  const names = [name];
  for (let end = name.lastIndexOf('/'); end > 0; end = name.lastIndexOf('/', end - 1)) {
    names.push(name.slice(0, end));
  }
  return names;
}

/** `*.` and each domain above the host, whose port does not count. */
function wildcards({ name }: Reference): readonly string[] {
  const host = /^[^/:]*/.exec(name)?.[0] ?? '';
  const labels = host.split('.');
  return labels.slice(1).map((_, index) => `*.${labels.slice(index + 1).join('.')}`);
}

function isIndex(image: string): boolean {
  return /^@\+?\d{1,18}$/.test(image);
}

function cut(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function absolute(path: string): string {
  if (!path.startsWith('/')) throw refused(path, 'expected an absolute path');
  return cleanPath(path);
}

function refused(text: string, expected: string): ImageReferenceError {
  return new ImageReferenceError(`${JSON.stringify(text.slice(0, 300))}: ${expected}`);
}
