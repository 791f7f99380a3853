import { CodedError } from '../errors.ts';

/** A text that Go's `net/url` does not take for an address. */
export class UrlError extends CodedError<'ERR_URL'> {
  constructor(message: string) {
    super('ERR_URL', message);
  }
}

/**
 * An address as Go's `net/url` holds it, which is laxer than WHATWG's: no scheme is needed, nothing is resolved.
 * Texts hold one byte a character; `urlText` gives the address back.
 */
export interface GoUrl {
  readonly scheme: string;
  /** What follows the colon of an address without slashes; then there is no path. */
  readonly opaque: string;
  /** With its `@`, escaped; '' for none. */
  readonly user: string;
  readonly host: string;
  /** Unescaped. */
  readonly path: string;
  /** With its `?`. */
  readonly query: string;
  /** With its `#`. */
  readonly fragment: string;
  /** `scheme:/path`, without an authority. */
  readonly omitsHost: boolean;
}

/** Reads an address; throws `UrlError`. */
export function parseUrl(address: string): GoUrl {
  const text = Buffer.from(address).toString('latin1');
  const [beforeFragment, fragmentText] = cut(text, '#');
  for (const character of beforeFragment) {
    if (character < ' ' || character === '\x7f') throw refused(address, 'no control characters');
  }
  const [scheme, afterScheme] = cutScheme(address, beforeFragment);
  const [rest, queryText] = cut(afterScheme, '?');
  const query = afterScheme.includes('?') ? `?${queryText}` : '';
  const fragment = fragmentText === '' ? '' : `#${reescaped(address, fragmentText)}`;
  const url = {
    scheme,
    opaque: '',
    user: '',
    host: '',
    path: '',
    query,
    fragment,
    omitsHost: false,
  };
  if (!rest.startsWith('/') && scheme !== '') return { ...url, opaque: rest };
  if (cut(rest, '/')[0].includes(':')) throw refused(address, 'a scheme before the first colon');
  if (!rest.startsWith('//') || (scheme === '' && rest.startsWith('///'))) {
    return { ...url, path: unescaped(address, rest), omitsHost: scheme !== '' };
  }
  const [authority] = cut(rest.slice(2), '/');
  const path = unescaped(address, rest.slice(2 + authority.length));
  const at = authority.lastIndexOf('@');
  const host = readHost(address, authority.slice(at + 1));
  return { ...url, user: readUser(address, authority.slice(0, at + 1)), host, path };
}

/** The address of a URL, what needs escaping escaped. */
export function urlText(url: GoUrl): string {
  const { scheme, opaque, user, host, path, query, fragment, omitsHost } = url;
  let text = scheme === '' ? '' : `${scheme}:`;
  if (opaque !== '') text += opaque;
  else {
    const hasAuthority = scheme !== '' || host !== '' || user !== '';
    const hasPlace = host !== '' || path !== '' || user !== '';
    if (hasAuthority && hasPlace && !(omitsHost && host === '' && user === '')) text += '//';
    text += `${user}${escaped(host, HOST_SAFE)}`;
    const written = escaped(path, PATH_SAFE);
    if (written !== '' && !written.startsWith('/') && host !== '') text += '/';
    if (text === '' && cut(written, '/')[0].includes(':')) text += './';
    text += written;
  }
  return Buffer.from(`${text}${query}${fragment}`, 'latin1').toString();
}

const PATH_SAFE = /[A-Za-z0-9\-_.~$&+,/:;=@]/;
const USER_SAFE = /[A-Za-z0-9\-_.~$&+,;=]/;
const HOST_SAFE = /[A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"]/;
const FRAGMENT_SAFE = /[A-Za-z0-9\-_.~$&+,/:;=?@!()*]/;
const FRAGMENT_WRITTEN = /^[A-Za-z0-9\-_.~$&+,/:;=?@!()*'[\]%]*$/;

function cutScheme(address: string, text: string): readonly [string, string] {
  if (text.startsWith(':')) throw refused(address, 'a scheme before the first colon');
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1];
  return scheme === undefined ? ['', text] : [scheme.toLowerCase(), text.slice(scheme.length + 1)];
}

function readUser(address: string, text: string): string {
  if (text === '') return '';
  const written = text.slice(0, -1);
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(written)) throw refused(address, 'a valid user');
  const [name, password] = cut(written, ':').map((part) => unescaped(address, part));
  const parts = written.includes(':') ? [name, password] : [name];
  return `${parts.map((part = '') => escaped(part, USER_SAFE)).join(':')}@`;
}

function readHost(address: string, text: string): string {
  const bracket = text.lastIndexOf('[');
  const end = bracket === -1 ? text.lastIndexOf(':') : text.lastIndexOf(']') + 1;
  if (bracket !== -1 && end === 0) throw refused(address, '"]" in the host');
  const port = end === -1 ? '' : text.slice(end);
  if (!/^(?::\d*)?$/.test(port)) throw refused(address, 'a port of digits');
  const escapes = text.match(/%.{0,2}/gs) ?? [];
  const areOfBytes = escapes.every((code) => /^%(?:25|[89A-Fa-f][0-9A-Fa-f])$/.test(code));
  const plain = text.replaceAll(/%../gs, '');
  if (
    !areOfBytes ||
    [...plain].some((character) => character < '\x80' && !HOST_SAFE.test(character))
  ) {
    throw refused(address, 'a valid host');
  }
  return unescaped(address, text);
}

/** A fragment as it will be written again: as it is when it may stand so. */
function reescaped(address: string, fragment: string): string {
  const plain = unescaped(address, fragment);
  return FRAGMENT_WRITTEN.test(fragment) ? fragment : escaped(plain, FRAGMENT_SAFE);
}

function unescaped(address: string, text: string): string {
  return text.replaceAll(/%(..?)?/gs, (code) => {
    if (!/^%[0-9A-Fa-f]{2}$/.test(code)) throw refused(address, 'two hex digits after "%"');
    return String.fromCharCode(Number.parseInt(code.slice(1), 16));
  });
}

function escaped(text: string, safe: RegExp): string {
  let result = '';
  for (const character of text) {
    const hex = character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0');
    result += safe.test(character) ? character : `%${hex}`;
  }
  return result;
}

function cut(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function refused(address: string, expected: string): UrlError {
  return new UrlError(`${JSON.stringify(address.slice(0, 200))}: expected ${expected}`);
}
