import { CodedError } from '../errors.ts';
import { parseDigest } from './digest.ts';

/** A text that is no image reference, or not one that may stand where it stands. */
export class ImageReferenceError extends CodedError<'ERR_IMAGE_REFERENCE'> {
  constructor(message: string) {
    super('ERR_IMAGE_REFERENCE', message);
  }
}

/** An image reference in normal form: host and `library/` filled in, no tag added. */
export interface Reference {
  /** Host, with its port if it has one; '' for the odd names whose first part only looks like a host. */
  readonly domain: string;
  /** Repository path without the host. */
  readonly path: string;
  /** `domain/path`. */
  readonly name: string;
  readonly tag?: string;
  /** `algorithm:hex`. */
  readonly digest?: string;
}

const DEFAULT_DOMAIN = 'docker.io';
const LEGACY_DEFAULT_DOMAIN = 'index.docker.io';
const DEFAULT_TAG = 'latest';
const MAX_NAME_LENGTH = 255;
/** No reference is longer: name, tag of 128, sha512 digest. */
const MAX_LENGTH = 600;

// The grammar of docker/reference/regexp.go, written so that no text can be matched in two ways: the original
// costs a backtracking engine exponential time.
const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const PATH = `${COMPONENT}(?:/${COMPONENT})*`;
const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const DOMAIN = `${LABEL}(?:\\.${LABEL})*(?::[0-9]+)?`;
const TAG = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}';
const REFERENCE = new RegExp(`^(?:(${DOMAIN})/)?(${PATH})(?::(${TAG}))?(?:@([^@]*))?$`);
const HOST = new RegExp(`^${DOMAIN}$`);
const UNCOMPLETED_NAME = new RegExp(`^(?:${DOMAIN}/)?${PATH}$`);
const HOST_OR_NAME = new RegExp(`^${DOMAIN}(?:/${PATH})?$`);
const IMAGE_ID = /^[a-f0-9]{64}$/;

/**
 * Reads a reference as the user, a policy or a signature writes it (`busybox`, `quay.io/ns/repo:tag`,
 * `name@sha256:…`) and completes host and `library/`, not the tag. Throws `ImageReferenceError`.
 */
export function parseReference(text: string): Reference {
  const reference = tryParseReference(text);
  if (reference === undefined) throw new ImageReferenceError(`${shown(text)}: ${whyNot(text)}`);
  return reference;
}

/** As `parseReference`; undefined for a text that is no reference. */
export function tryParseReference(text: string): Reference | undefined {
  if (text.length > MAX_LENGTH || IMAGE_ID.test(text)) return undefined;
  const [, domain = '', path = '', tag, digest] = REFERENCE.exec(completed(text)) ?? [];
  const name = domain === '' ? path : `${domain}/${path}`;
  if (path === '' || name.length > MAX_NAME_LENGTH) return undefined;
  if (digest !== undefined && parseDigest(digest) === undefined) return undefined;
  return {
    domain,
    path,
    name,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** The reference with `latest` when it has neither tag nor digest: what a user means, never what a signature says. */
export function withDefaultTag(reference: Reference): Reference {
  return isNameOnly(reference) ? { ...reference, tag: DEFAULT_TAG } : reference;
}

/** True when the reference has neither tag nor digest. */
export function isNameOnly(reference: Reference): boolean {
  return reference.tag === undefined && reference.digest === undefined;
}

/** The reference as one text, complete: `docker.io/library/busybox:latest`. */
export function referenceText({ name, tag, digest }: Reference): string {
  return `${name}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** True for `host[:port]`. */
export function isHost(text: string): boolean {
  return HOST.test(text);
}

/** True for `host[:port]` and for a name that begins with something host-like: what remapIdentity's prefixes may be. */
export function isHostOrName(text: string): boolean {
  return HOST_OR_NAME.test(text);
}

/** True for a name that leaves the host to be found: `busybox`, `library/busybox`; no tag, no digest. */
export function isShortName(text: string): boolean {
  return UNCOMPLETED_NAME.test(text) && !hasDomain(text);
}

/** The completed name of a text that names its host and has neither tag nor digest; undefined for all others. */
export function qualifiedName(text: string): string | undefined {
  const reference = hasDomain(text) ? tryParseReference(text) : undefined;
  return reference !== undefined && isNameOnly(reference) ? reference.name : undefined;
}

function hasDomain(text: string): boolean {
  const slash = text.indexOf('/');
  const first = slash === -1 ? '' : text.slice(0, slash);
  return first === 'localhost' || /[.:]/.test(first);
}

function completed(text: string): string {
  const slash = hasDomain(text) ? text.indexOf('/') : -1;
  const written = slash === -1 ? DEFAULT_DOMAIN : text.slice(0, slash);
  const rest = text.slice(slash + 1);
  const domain = written === LEGACY_DEFAULT_DOMAIN ? DEFAULT_DOMAIN : written;
  const isOfficial = domain === DEFAULT_DOMAIN && !rest.includes('/');
  return `${domain}/${isOfficial ? 'library/' : ''}${rest}`;
}

function shown(text: string): string {
  return JSON.stringify(text.length <= MAX_LENGTH ? text : `${text.slice(0, 80)}…`);
}

/** The likeliest cause, for people; the grammar alone decides. */
function whyNot(text: string): string {
  if (text === '') return 'expected an image reference, found nothing';
  if (IMAGE_ID.test(text)) return 'expected an image reference, found an image id';
  const [nameAndTag = '', digest] = text.split('@');
  if (digest !== undefined && parseDigest(digest) === undefined) {
    return 'expected a digest such as sha256: and 64 lower-case hex digits after the "@"';
  }
  const slash = nameAndTag.lastIndexOf('/');
  const colon = nameAndTag.indexOf(':', slash);
  const name = colon === -1 ? nameAndTag : nameAndTag.slice(0, colon);
  if (name.length > MAX_NAME_LENGTH)
    return `expected a name of at most ${MAX_NAME_LENGTH} characters`;
  const path = completed(name).slice(completed(name).indexOf('/'));
  if (path.toLowerCase() !== path) return 'expected a repository name in lower case';
  return 'expected an image reference, host/path:tag or host/path@digest';
}
