import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../shared/clock.ts';
import {
  bitString,
  commonName,
  ECDSA_SHA256,
  element,
  integer,
  objectIdentifier,
  pem,
  sequence,
  tagged,
  time,
} from '../../shared/der-writer.ts';
import { CodedError, messageOf } from '../../shared/errors.ts';
import { ensureFolder } from '../../shared/folder.ts';
import { TAG } from '../../shared/trust/sigstore/der.ts';
import { writePrivateFile } from './token-file.ts';

/** Key and certificate of the authority cannot be used together; the message says where they are. */
export class NodeCaError extends CodedError<'ERR_NODE_CA'> {}

export interface IssuedCertificate {
  readonly pem: string;
  /** Hex, upper case, as `X509Certificate` says it. */
  readonly serial: string;
  /** Milliseconds since 1970. */
  readonly notAfterMs: number;
}

const PRIVATE_FOLDER = 0o700;
const CA_LIFE_MS = 10 * 365 * 86_400_000;
/** A node whose clock is behind must not find its new certificate in the future; at most a hundredth of its life. */
const BACKDATED_MS = 300_000;
const BACKDATED_SHARE = 1 / 100;
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/**
 * The aggregator's own small authority: it signs client certificates of nodes and nothing else. `node-ca/ca.key` (0600)
 * and `node-ca/ca.crt` in the state directory are made at the first start.
 */
export class NodeCa {
  /** PEM. */
  readonly certificate: string;
  readonly #x509: X509Certificate;
  readonly #key: KeyObject;
  readonly #clock: Clock;

  private constructor(certificate: string, key: KeyObject, clock: Clock) {
    this.certificate = certificate;
    this.#x509 = new X509Certificate(certificate);
    this.#key = key;
    this.#clock = clock;
  }

  /** Throws `NodeCaError` when what is there cannot be used: a new authority would shut out every node. */
  static async open(stateDir: string, clock: Clock): Promise<NodeCa> {
    const folder = join(stateDir, 'node-ca');
    await ensureFolder(folder);
    await chmod(folder, PRIVATE_FOLDER);
    const [keyFile, certFile] = [join(folder, 'ca.key'), join(folder, 'ca.crt')];
    try {
      const key = createPrivateKey((await readOrUndefined(keyFile)) ?? (await newKey(keyFile)));
      const text = (await readOrUndefined(certFile)) ?? (await selfSigned(certFile, key, clock));
      const ca = new NodeCa(text, key, clock);
      if (ca.#x509.checkPrivateKey(key)) return ca;
    } catch (cause) {
      throw new NodeCaError('ERR_NODE_CA', `${folder}: ${messageOf(cause)}`, { cause });
    }
    throw new NodeCaError('ERR_NODE_CA', `${folder}: ca.crt is not the certificate of ca.key`);
  }

  /** A client certificate (RFC 5280) whose only name is the node's uid, as a URI (RFC 9562). */
  issue(spki: Uint8Array, uid: string, lifeMs: number): IssuedCertificate {
    const nowMs = this.#clock.nowMs();
    const notAfterMs = Math.floor((nowMs + lifeMs) / 1000) * 1000;
    const serial = newSerial();
    const text = certificate(this.#key, {
      serial,
      issuer: commonName(nameOf(createPublicKey(this.#key))),
      subject: commonName(uid),
      notBeforeMs: nowMs - Math.min(BACKDATED_MS, lifeMs * BACKDATED_SHARE),
      notAfterMs,
      spki,
      extensions: [
        extension('2.5.29.19', sequence(), true),
        // digitalSignature
        extension('2.5.29.15', bitString(Buffer.of(0x80), 7), true),
        extension('2.5.29.37', sequence(objectIdentifier(CLIENT_AUTH))),
        extension('2.5.29.17', sequence(element(0x86, Buffer.from(uriOf(uid), 'latin1')))),
        extension('2.5.29.35', sequence(element(0x80, keyId(createPublicKey(this.#key))))),
      ],
    });
    return { pem: text, serial: serial.toString('hex').toUpperCase(), notAfterMs };
  }

  /** Of its own, by the key it has. */
  get name(): string {
    return nameOf(createPublicKey(this.#key));
  }
}

/** The uid in a certificate that an authority issued; undefined for any other. Time is not looked at. */
export function uidIn(presented: X509Certificate, authority: X509Certificate): string | undefined {
  if (presented.ca || !presented.verify(authority.publicKey)) return undefined;
  return SAN.exec(presented.subjectAltName ?? '')?.[1];
}

const SAN = /^URI:urn:uuid:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

function uriOf(uid: string): string {
  return `urn:uuid:${uid}`;
}

async function readOrUndefined(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function newKey(file: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const text = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  await writePrivateFile(file, text);
  return text;
}

async function selfSigned(file: string, key: KeyObject, clock: Clock): Promise<string> {
  const publicKey = createPublicKey(key);
  const name = commonName(nameOf(publicKey));
  const nowMs = clock.nowMs();
  const text = certificate(key, {
    serial: newSerial(),
    issuer: name,
    subject: name,
    notBeforeMs: nowMs - BACKDATED_MS,
    notAfterMs: nowMs + CA_LIFE_MS,
    spki: publicKey.export({ format: 'der', type: 'spki' }),
    extensions: [
      // No authority below this one.
      extension(
        '2.5.29.19',
        sequence(element(TAG.boolean, Buffer.of(0xff)), integer(Buffer.of(0))),
        true,
      ),
      // keyCertSign
      extension('2.5.29.15', bitString(Buffer.of(0x04), 2), true),
      extension('2.5.29.14', element(TAG.octetString, keyId(publicKey))),
    ],
  });
  await writePrivateFile(file, text);
  return text;
}

interface Contents {
  readonly serial: Buffer;
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly spki: Uint8Array;
  readonly extensions: readonly Buffer[];
}

function certificate(key: KeyObject, contents: Contents): string {
  const tbs = sequence(
    // Version 3 is 2.
    tagged(0, integer(Buffer.of(2))),
    integer(contents.serial),
    ECDSA_SHA256,
    contents.issuer,
    sequence(time(contents.notBeforeMs), time(contents.notAfterMs)),
    contents.subject,
    contents.spki,
    tagged(3, sequence(...contents.extensions)),
  );
  return pem('CERTIFICATE', sequence(tbs, ECDSA_SHA256, bitString(sign('sha256', tbs, key))));
}

function extension(oid: string, value: Uint8Array, isCritical = false): Buffer {
  const critical = isCritical ? [element(TAG.boolean, Buffer.of(0xff))] : [];
  return sequence(objectIdentifier(oid), ...critical, element(TAG.octetString, value));
}

/** 127 random bits below a one: never negative and always of the same length (RFC 5280 §4.1.2.2). */
function newSerial(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = 0x40 | ((bytes[0] ?? 0) & 0x3f);
  return bytes;
}

/** RFC 7093 §2, method 1. */
function keyId(key: KeyObject): Buffer {
  const spki = key.export({ format: 'der', type: 'spki' });
  return createHash('sha256').update(spki).digest().subarray(0, 20);
}

/** Two aggregators have authorities of different names, so that a certificate is never tried with the wrong key. */
function nameOf(key: KeyObject): string {
  return `nodeseal nodes ${keyId(key).toString('hex').slice(0, 16)}`;
}
