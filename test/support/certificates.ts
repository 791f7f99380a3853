import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  bitString,
  boolean,
  element,
  integer,
  objectIdentifier,
  sequence,
  tagged,
  utf8String,
} from './der.ts';

/** A key pair of a test, made anew in every run. */
export interface TestKey {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly pem: string;
}

export function ecKey(namedCurve = 'P-256'): TestKey {
  return named(generateKeyPairSync('ec', { namedCurve }));
}

export function rsaKey(modulusLength = 2048): TestKey {
  return named(generateKeyPairSync('rsa', { modulusLength }));
}

export function ed25519Key(): TestKey {
  return named(generateKeyPairSync('ed25519'));
}

function named(pair: { publicKey: KeyObject; privateKey: KeyObject }): TestKey {
  return { ...pair, pem: pair.publicKey.export({ format: 'pem', type: 'spki' }).toString() };
}

/** What a certificate of a test is to say; whatever is left out is usual. */
export interface CertificateOptions {
  readonly subject?: string;
  readonly issuer?: string;
  readonly key: TestKey;
  readonly signer: TestKey;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly extensions?: readonly Uint8Array[];
  /** Version 3 is 2, as in the file. */
  readonly version?: number;
  readonly serial?: Uint8Array;
  /** Object identifier of the signature algorithm, inside and outside. */
  readonly innerAlgorithm?: Uint8Array;
  readonly outerAlgorithm?: Uint8Array;
  readonly subjectName?: Uint8Array;
  readonly spki?: Uint8Array;
}

const ALGORITHMS: Readonly<Record<string, Uint8Array>> = {
  ec: sequence(objectIdentifier('1.2.840.10045.4.3.2')),
  rsa: sequence(objectIdentifier('1.2.840.113549.1.1.11'), element(0x05)),
  ed25519: sequence(objectIdentifier('1.3.101.112')),
};

/** DER of a certificate (RFC 5280 §4.1). */
export function certificate(options: CertificateOptions): Buffer {
  const { key, signer, subject = 'subject', issuer = 'issuer', extensions = [] } = options;
  const kind = signer.privateKey.asymmetricKeyType ?? '';
  const algorithm = ALGORITHMS[kind] ?? Buffer.alloc(0);
  const tbs = sequence(
    tagged(0, 'constructed', integer(options.version ?? 2)),
    options.serial ?? integer(1),
    options.innerAlgorithm ?? algorithm,
    name(issuer),
    sequence(
      time(options.notBefore ?? new Date('2020-01-01T00:00:00Z')),
      time(options.notAfter ?? new Date('2060-01-01T00:00:00Z')),
    ),
    options.subjectName ?? name(subject),
    options.spki ?? key.publicKey.export({ format: 'der', type: 'spki' }),
    extensions.length === 0 ? Buffer.alloc(0) : tagged(3, 'constructed', sequence(...extensions)),
  );
  const signature = sign(kind === 'ed25519' ? null : 'sha256', tbs, signer.privateKey);
  return sequence(tbs, options.outerAlgorithm ?? algorithm, bitString(signature));
}

export function pem(der: Uint8Array, label = 'CERTIFICATE'): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

/** A Name of one common name. */
export function name(commonName: string): Buffer {
  const attribute = sequence(objectIdentifier('2.5.4.3'), utf8String(commonName));
  return sequence(element(0x31, attribute));
}

function time(date: Date): Buffer {
  const text = `${date.toISOString().slice(0, 19).replace(/[-T:]/g, '')}Z`;
  return element(0x18, Buffer.from(text));
}

export function extension(oid: string, value: Uint8Array, isCritical = false): Buffer {
  const critical = isCritical ? boolean(true) : Buffer.alloc(0);
  return sequence(objectIdentifier(oid), critical, element(0x04, value));
}

export function basicConstraints(isCa: boolean, pathLength?: number): Buffer {
  const length = pathLength === undefined ? Buffer.alloc(0) : integer(pathLength);
  return extension('2.5.29.19', sequence(isCa ? boolean(true) : Buffer.alloc(0), length), true);
}

/** `certSign` is bit 5, `digitalSignature` bit 0. */
export function keyUsage(...bits: readonly number[]): Buffer {
  const byte = bits.reduce((sum, bit) => sum | (0x80 >> bit), 0);
  return extension('2.5.29.15', bitString(Buffer.from([byte])), true);
}

export function extendedKeyUsage(...oids: readonly string[]): Buffer {
  return extension('2.5.29.37', sequence(...oids.map(objectIdentifier)));
}

export const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
export const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
export const ANY_USAGE = '2.5.29.37.0';

/** A name of a subjectAltName or of name constraints. */
export const generalName = {
  email: (text: string): Buffer => tagged(1, 'primitive', Buffer.from(text, 'latin1')),
  host: (text: string): Buffer => tagged(2, 'primitive', Buffer.from(text, 'latin1')),
  uri: (text: string): Buffer => tagged(6, 'primitive', Buffer.from(text, 'latin1')),
  address: (...bytes: readonly number[]): Buffer => tagged(7, 'primitive', Buffer.from(bytes)),
  other: (): Buffer =>
    tagged(
      0,
      'constructed',
      Buffer.concat([
        objectIdentifier('1.3.6.1.4.1.57264.1.7'),
        tagged(0, 'constructed', utf8String('someone')),
      ]),
    ),
} as const;

export function subjectAltName(names: readonly Uint8Array[], isCritical = false): Buffer {
  return extension('2.5.29.17', sequence(...names), isCritical);
}

export function nameConstraints(
  permitted: readonly Uint8Array[],
  excluded: readonly Uint8Array[],
  isCritical = true,
): Buffer {
  const subtrees = (number: number, names: readonly Uint8Array[]): Buffer =>
    names.length === 0
      ? Buffer.alloc(0)
      : tagged(number, 'constructed', Buffer.concat(names.map((it) => sequence(it))));
  return extension(
    '2.5.29.30',
    sequence(subtrees(0, permitted), subtrees(1, excluded)),
    isCritical,
  );
}
