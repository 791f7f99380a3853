import { contextTag, DerError, DerReader, TAG } from './der.ts';
import { type NameConstraints, readNameConstraints } from './name-constraints.ts';
import { isAscii, type SubjectNames } from './names.ts';

/** One extension of a certificate as written. */
export interface Extension {
  readonly oid: string;
  readonly isCritical: boolean;
  readonly value: Uint8Array;
}

/** What path validation and identity rules ask of the extensions of a certificate. */
export interface Extensions {
  readonly all: readonly Extension[];
  /** Critical ones that nobody here understands: they refuse the certificate. */
  readonly unhandledCritical: readonly string[];
  readonly subjectNames: SubjectNames;
  readonly hasSubjectNames: boolean;
  /** Absent: no key usage extension, so any use. */
  readonly mayCertify?: boolean;
  readonly basicConstraints?: { readonly isCa: boolean; readonly maxPathLength?: bigint };
  /** Empty: no extended key usage extension, so any use. */
  readonly extendedKeyUsages: readonly string[];
  readonly nameConstraints?: NameConstraints;
  readonly requiresExplicitPolicy: boolean;
}

export const SUBJECT_ALT_NAME = '2.5.29.17';
const SUBJECT_KEY_ID = '2.5.29.14';
const KEY_USAGE = '2.5.29.15';
const BASIC_CONSTRAINTS = '2.5.29.19';
const NAME_CONSTRAINTS = '2.5.29.30';
const CRL_DISTRIBUTION_POINTS = '2.5.29.31';
const POLICIES = '2.5.29.32';
const POLICY_MAPPINGS = '2.5.29.33';
const AUTHORITY_KEY_ID = '2.5.29.35';
const POLICY_CONSTRAINTS = '2.5.29.36';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const INHIBIT_ANY_POLICY = '2.5.29.54';
const AUTHORITY_INFO_ACCESS = '1.3.6.1.5.5.7.1.1';
/** Understood, or of no meaning for a path, so that being critical does no harm; with the tag of their value. */
const HANDLED: ReadonlyMap<string, number> = new Map([
  [SUBJECT_KEY_ID, TAG.octetString],
  [KEY_USAGE, TAG.bitString],
  [BASIC_CONSTRAINTS, TAG.sequence],
  [CRL_DISTRIBUTION_POINTS, TAG.sequence],
  [POLICIES, TAG.sequence],
  [POLICY_MAPPINGS, TAG.sequence],
  [AUTHORITY_KEY_ID, TAG.sequence],
  [POLICY_CONSTRAINTS, TAG.sequence],
  [EXTENDED_KEY_USAGE, TAG.sequence],
  [INHIBIT_ANY_POLICY, TAG.integer],
  [AUTHORITY_INFO_ACCESS, TAG.sequence],
]);
const NEVER_CRITICAL = [SUBJECT_KEY_ID, AUTHORITY_KEY_ID, AUTHORITY_INFO_ACCESS];
const NO_NAMES: SubjectNames = { emails: [], hosts: [], uris: [], addresses: [] };

/** Reads the extensions of a version 3 certificate (RFC 5280 §4.2). Throws `DerError` where Go refuses to parse. */
export function readExtensions(list: DerReader): Extensions {
  const all: Extension[] = [];
  const values = new Map<string, Uint8Array>();
  while (!list.isAtEnd) {
    const extension = readExtension(list.inside(TAG.sequence));
    const { oid, isCritical, value } = extension;
    if (values.has(oid)) throw new DerError(`expected the extension ${oid} once`);
    if (isCritical && NEVER_CRITICAL.includes(oid)) {
      throw new DerError(`expected the extension ${oid} not to be critical`);
    }
    const tag = HANDLED.get(oid);
    if (tag !== undefined) new DerReader(value).element(tag);
    values.set(oid, value);
    all.push(extension);
  }
  const read = <T>(oid: string, reader: (value: DerReader) => T): T | undefined => {
    const value = values.get(oid);
    return value && reader(new DerReader(value));
  };
  const names = read(SUBJECT_ALT_NAME, readSubjectNames);
  const constraints = read(NAME_CONSTRAINTS, readNameConstraints);
  const mayCertify = read(KEY_USAGE, readMayCertify);
  const basicConstraints = read(BASIC_CONSTRAINTS, readBasicConstraints);
  const isHandled = (oid: string): boolean =>
    oid === SUBJECT_ALT_NAME
      ? Object.values(names ?? NO_NAMES).some((list) => list.length > 0)
      : oid === NAME_CONSTRAINTS
        ? constraints?.isComplete === true
        : HANDLED.has(oid);
  return {
    all,
    unhandledCritical: all.filter((e) => e.isCritical && !isHandled(e.oid)).map((e) => e.oid),
    subjectNames: names ?? NO_NAMES,
    hasSubjectNames: names !== undefined,
    ...(mayCertify === undefined ? {} : { mayCertify }),
    ...(basicConstraints === undefined ? {} : { basicConstraints }),
    extendedKeyUsages: read(EXTENDED_KEY_USAGE, readExtendedKeyUsages) ?? [],
    ...(constraints === undefined ? {} : { nameConstraints: constraints }),
    requiresExplicitPolicy: read(POLICY_CONSTRAINTS, readRequiresExplicitPolicy) ?? false,
  };
}

function readExtension(extension: DerReader): Extension {
  const oid = extension.objectIdentifier();
  const isCritical = extension.nextTag === TAG.boolean ? extension.boolean() : false;
  return { oid, isCritical, value: extension.element(TAG.octetString).content };
}

function readSubjectNames(value: DerReader): SubjectNames {
  const emails: string[] = [];
  const hosts: string[] = [];
  const uris: string[] = [];
  const addresses: Uint8Array[] = [];
  const names = value.inside(TAG.sequence);
  while (!names.isAtEnd) {
    const { tag, content } = names.element();
    if (tag === contextTag(1, 'primitive')) emails.push(readAscii(content));
    else if (tag === contextTag(2, 'primitive')) hosts.push(readAscii(content));
    else if (tag === contextTag(6, 'primitive')) uris.push(readUri(content));
    else if (tag === contextTag(7, 'primitive')) {
      if (content.length !== 4 && content.length !== 16)
        throw new DerError('expected an IP address');
      addresses.push(content);
    }
  }
  return { emails, hosts, uris, addresses };
}

function readAscii(bytes: Uint8Array): string {
  if (!isAscii(bytes)) throw new DerError('expected ASCII in a subject name');
  return Buffer.from(bytes).toString('latin1');
}

/** The rules of Go's url.Parse that a certificate in the wild may break. */
function readUri(bytes: Uint8Array): string {
  const uri = readAscii(bytes);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are refused
  if (/[\x00-\x1f\x7f]|%(?![0-9A-Fa-f]{2})|^:/.test(uri)) throw new DerError('expected a URI');
  return uri;
}

function readMayCertify(value: DerReader): boolean {
  const { bytes } = value.bitString();
  const hasAny = bytes.some((byte) => byte !== 0);
  return !hasAny || ((bytes[0] ?? 0) & 0x04) !== 0; // a usage of no bits is none, which allows all, for Go
}

function readBasicConstraints(value: DerReader): { isCa: boolean; maxPathLength?: bigint } {
  const constraints = value.inside(TAG.sequence);
  const isCa = constraints.nextTag === TAG.boolean ? constraints.boolean() : false;
  if (constraints.nextTag !== TAG.integer) return { isCa };
  const maxPathLength = constraints.integer();
  if (maxPathLength < 0n) throw new DerError('expected a path length of zero or more');
  return { isCa, maxPathLength };
}

function readExtendedKeyUsages(value: DerReader): readonly string[] {
  const usages: string[] = [];
  const list = value.inside(TAG.sequence);
  while (!list.isAtEnd) usages.push(list.objectIdentifier());
  return usages;
}

function readRequiresExplicitPolicy(value: DerReader): boolean {
  return value.inside(TAG.sequence).nextTag === contextTag(0, 'primitive');
}
