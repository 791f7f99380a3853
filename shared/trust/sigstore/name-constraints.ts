import { contextTag, DerError, DerReader, TAG } from './der.ts';
import { isAscii, type SubjectNames } from './names.ts';

interface Subtrees {
  readonly emails: readonly string[];
  readonly hosts: readonly string[];
  readonly uris: readonly string[];
  readonly networks: readonly { readonly address: Uint8Array; readonly mask: Uint8Array }[];
}

/** A nameConstraints extension (RFC 5280 §4.2.1.10): which names the certificates below may bear. */
export interface NameConstraints {
  readonly permitted: Subtrees;
  readonly excluded: Subtrees;
  /** False when it also constrains kinds of names that are not compared; then it may not be critical. */
  readonly isComplete: boolean;
}

/** Throws `DerError` where Go's crypto/x509 refuses to parse the extension. */
export function readNameConstraints(value: DerReader): NameConstraints {
  const constraints = value.inside(TAG.sequence);
  value.end('the name constraints');
  const permitted = constraints.optional(contextTag(0, 'constructed'))?.content;
  const excluded = constraints.optional(contextTag(1, 'constructed'))?.content;
  constraints.end('the excluded names');
  if (!permitted?.length && !excluded?.length) {
    throw new DerError('expected name constraints to name something');
  }
  const [allowed, allComparable] = readSubtrees(permitted);
  const [refused, noneComparable] = readSubtrees(excluded);
  return { permitted: allowed, excluded: refused, isComplete: allComparable && noneComparable };
}

function readSubtrees(bytes: Uint8Array = new Uint8Array()): readonly [Subtrees, boolean] {
  const emails: string[] = [];
  const hosts: string[] = [];
  const uris: string[] = [];
  const networks: { address: Uint8Array; mask: Uint8Array }[] = [];
  let isComplete = true;
  const list = new DerReader(bytes);
  while (!list.isAtEnd) {
    const { tag, content } = list.inside(TAG.sequence).element();
    if (tag === contextTag(1, 'primitive')) emails.push(readConstraint(content, 'email'));
    else if (tag === contextTag(2, 'primitive')) hosts.push(readConstraint(content, 'host'));
    else if (tag === contextTag(6, 'primitive')) uris.push(readConstraint(content, 'host'));
    else if (tag === contextTag(7, 'primitive')) networks.push(readNetwork(content));
    else isComplete = false;
  }
  return [{ emails, hosts, uris, networks }, isComplete];
}

function readConstraint(bytes: Uint8Array, kind: 'email' | 'host'): string {
  const text = Buffer.from(bytes).toString('latin1');
  const isMailbox = kind === 'email' && text.includes('@');
  const isSound = isMailbox ? mailboxOf(text) : labelsOf(text.replace(/^\./, ''));
  if (!isAscii(bytes) || isSound === undefined) {
    throw new DerError('expected a name constraint to be a name');
  }
  return text;
}

function readNetwork(bytes: Uint8Array): { address: Uint8Array; mask: Uint8Array } {
  if (bytes.length !== 8 && bytes.length !== 32) {
    throw new DerError('expected an address and a mask in a name constraint');
  }
  const address = bytes.subarray(0, bytes.length / 2);
  const mask = bytes.subarray(bytes.length / 2);
  const bits = [...mask].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  if (!/^1*0*$/.test(bits)) throw new DerError('expected a mask of leading ones');
  return { address, mask };
}

/** Do the constraints of an issuer let these names pass? A name that cannot be compared does not pass. */
export function allowsNames(
  { permitted, excluded }: NameConstraints,
  names: SubjectNames,
): boolean {
  const check = <N, C>(
    list: readonly N[],
    allowed: readonly C[],
    refused: readonly C[],
    matches: (name: N, constraint: C) => boolean | undefined,
  ): boolean =>
    list.every(
      (name) =>
        refused.every((constraint) => matches(name, constraint) === false) &&
        (allowed.length === 0 || allowed.some((constraint) => matches(name, constraint) === true)),
    );
  return (
    names.hosts.every((host) => labelsOf(host) !== undefined) &&
    names.emails.every((email) => mailboxOf(email) !== undefined) &&
    check(names.emails, permitted.emails, [], matchesEmail) &&
    check(names.emails, [], excluded.emails, matchesEmail) &&
    check(names.hosts, permitted.hosts, [], matchesHost) &&
    check(names.hosts, [], excluded.hosts, coversHost) &&
    check(names.uris, permitted.uris, excluded.uris, matchesUri) &&
    check(names.addresses, permitted.networks, excluded.networks, matchesNetwork)
  );
}

function matchesHost(host: string, constraint: string): boolean {
  if (constraint === '') return true;
  const labels = labelsOf(host);
  const wanted = labelsOf(constraint.replace(/^\./, ''));
  if (labels === undefined || wanted === undefined) return false;
  const isLongEnough = constraint.startsWith('.')
    ? labels.length > wanted.length
    : labels.length >= wanted.length;
  return isLongEnough && wanted.every((label, index) => labels[index] === label);
}

/** For excluded names a wildcard counts as every name that it covers (CVE-2025-61727 was the lack of this). */
function coversHost(host: string, constraint: string): boolean {
  if (matchesHost(host, constraint)) return true;
  if (!host.startsWith('*.')) return false;
  const base = labelsOf(host.slice(2));
  const excluded = labelsOf(constraint.replace(/^\./, ''));
  if (base === undefined || excluded === undefined) return true;
  return excluded.length === base.length + 1 && base.every((label, i) => excluded[i] === label);
}

function matchesEmail(email: string, constraint: string): boolean {
  const mailbox = mailboxOf(email);
  if (mailbox === undefined) return false;
  const exact = constraint.includes('@') ? mailboxOf(constraint) : undefined;
  if (exact === undefined) return matchesHost(mailbox.host, constraint);
  return mailbox.local === exact.local && mailbox.host.toLowerCase() === exact.host.toLowerCase();
}

/** Undefined, which neither passes a permission nor escapes an exclusion, for a URI without a host name. */
function matchesUri(uri: string, constraint: string): boolean | undefined {
  const [, host = ''] =
    /^[^:/?#]+:\/\/(?:[^/?#]*@)?([^/?#:[\]]+)(?::\d*)?(?:[/?#]|$)/.exec(uri) ?? [];
  if (host === '' || /^[\d.]+$/.test(host)) return undefined;
  return matchesHost(host, constraint);
}

function matchesNetwork(
  name: Uint8Array,
  { address, mask }: { readonly address: Uint8Array; readonly mask: Uint8Array },
): boolean {
  return (
    name.length === address.length &&
    name.every((byte, i) => (byte & (mask[i] ?? 0)) === ((address[i] ?? 0) & (mask[i] ?? 0)))
  );
}

/** Labels in lower case, last one first; undefined for what is no domain name. '' has none. */
function labelsOf(domain: string): readonly string[] | undefined {
  if (domain === '') return [];
  const labels = domain.toLowerCase().split('.').reverse();
  return labels.every((label) => /^[!-~]+$/.test(label)) ? labels : undefined;
}

/** Quoted local parts are left out: nobody uses them, and a name that is not understood does not pass. */
function mailboxOf(email: string): { readonly local: string; readonly host: string } | undefined {
  const [, local, host] =
    /^([\w!#$%&'*+\-/=?^`{|}~]+(?:\.[\w!#$%&'*+\-/=?^`{|}~]+)*)@(.+)$/.exec(email) ?? [];
  return local === undefined || host === undefined || labelsOf(host) === undefined
    ? undefined
    : { local, host };
}
