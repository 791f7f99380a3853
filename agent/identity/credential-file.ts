import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  X509Certificate,
} from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { CodedError, messageOf } from '../../shared/errors.ts';
import { ReadFileError, readRegular } from '../../shared/read-file.ts';

/** A file that should hold the node's key and does not; it is left as it is. */
export class CredentialError extends CodedError<'ERR_CREDENTIAL_FILE'> {}

/** The node's private key and, once the aggregator gave one, the certificate for it. */
export interface HeldKey {
  readonly key: KeyObject;
  /** PEM. */
  readonly certificate?: string;
  readonly validFromMs: number;
  /** Milliseconds since 1970; 0 without a certificate. */
  readonly validUntilMs: number;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/;
/** Of a bundle of many authorities, which is the largest of these files. */
const LIMIT_BYTES = 4 * 1024 * 1024;
const LIMIT_CHARACTERS = 64 * 1024;

/** A key without a certificate, or with the one that `certificate` (PEM) is. Throws `CredentialError` when they do not fit. */
export function heldKey(key: KeyObject, certificate?: string): HeldKey {
  if (certificate === undefined) return { key, validFromMs: 0, validUntilMs: 0 };
  let x509: X509Certificate;
  try {
    x509 = new X509Certificate(certificate);
  } catch (cause) {
    throw new CredentialError('ERR_CREDENTIAL_FILE', 'expected a certificate', { cause });
  }
  if (!x509.checkPrivateKey(key)) {
    throw new CredentialError('ERR_CREDENTIAL_FILE', 'the certificate is for another key');
  }
  return {
    key,
    certificate,
    validFromMs: x509.validFromDate.getTime(),
    validUntilMs: x509.validToDate.getTime(),
  };
}

/** Key and certificate stand in one file, so that one rename replaces both. Undefined when it is not there. */
export async function readHeldKey(file: string): Promise<HeldKey | undefined> {
  const text = await readTextIfThere(file);
  if (text === undefined) return undefined;
  try {
    if (text.length > LIMIT_CHARACTERS)
      throw new Error(`larger than ${LIMIT_CHARACTERS} characters`);
    const key = createPrivateKey(text);
    return heldKey(key, CERTIFICATE.exec(text)?.[0]);
  } catch (cause) {
    const message = `${file}: expected a private key and its certificate (PEM): ${messageOf(cause)}`;
    throw new CredentialError('ERR_CREDENTIAL_FILE', message, { cause });
  }
}

/** A file of key, certificates or token: a pipe is not waited for, and a device has no end. Throws `CredentialError`. */
export async function readText(file: string): Promise<string> {
  try {
    return (await readRegular(file, LIMIT_BYTES)).toString();
  } catch (cause) {
    if (!(cause instanceof ReadFileError)) throw cause;
    throw new CredentialError('ERR_CREDENTIAL_FILE', `${file}: ${cause.message}`, { cause });
  }
}

/** As `readText`; undefined where nothing is. */
export async function readTextIfThere(file: string): Promise<string | undefined> {
  try {
    return await readText(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export async function writeHeldKey(
  file: string,
  { key, certificate = '' }: HeldKey,
): Promise<void> {
  const text = key.export({ format: 'pem', type: 'pkcs8' }).toString();
  await writePrivate(file, `${text}${certificate}`);
}

/** Whole or not at all, and readable by its owner only. */
export async function writePrivate(file: string, text: string): Promise<void> {
  const draft = `${file}.part`;
  await rm(draft, { force: true });
  {
    await using written = await open(draft, 'wx', 0o600);
    await written.writeFile(text);
    await written.sync();
  }
  await rename(draft, file);
}

/** SHA-256 of the public key, hex: what an administrator compares before approving a node. */
export function fingerprintOf(key: KeyObject): string {
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return createHash('sha256').update(spki).digest('hex');
}
