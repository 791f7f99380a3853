import { createHash, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { ConfigError, readNamedFile } from '../shared/config.ts';
import { messageOf } from '../shared/errors.ts';
import type { AggregatorConfig } from './config.ts';

/** The server's certificate and key, PEM, that belong together. */
export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** When the server's own certificate, the first of the file, ends; milliseconds since 1970. */
export function expiryOf({ cert }: Pick<Certificate, 'cert'>): number {
  return new X509Certificate(cert).validToDate.getTime();
}

/** Reads what the configuration names, and tries it before anybody connects. Throws `ConfigError`. */
export async function readCertificate({
  tls,
}: Pick<AggregatorConfig, 'tls'>): Promise<Certificate | undefined> {
  if (tls === undefined) return undefined;
  const cert = await readNamedFile('tls.certFile', tls.certFile);
  const key = await readNamedFile('tls.keyFile', tls.keyFile);
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    throw new ConfigError(
      'ERR_CONFIG_VALUE',
      `tls: expected the PEM of a certificate in ${tls.certFile} and of its key in ${tls.keyFile}: ${messageOf(cause)}`,
      { cause },
    );
  }
  return { cert, key };
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * What a node needs to know this server before it trusts anybody: SHA-256 of the public key (RFC 7469 §2.4) of the last
 * certificate that the server shows, when that is an authority's or signed by itself. `sha256:<64 hex digits>`.
 */
export function caPinOf({ cert }: Pick<Certificate, 'cert'>): string | undefined {
  const last = cert.toString('latin1').match(PEM_CERTIFICATE)?.at(-1);
  const anchor = last === undefined ? undefined : new X509Certificate(last);
  if (anchor === undefined || !(anchor.ca || anchor.verify(anchor.publicKey))) return undefined;
  const spki = anchor.publicKey.export({ format: 'der', type: 'spki' });
  return `sha256:${createHash('sha256').update(spki).digest('hex')}`;
}
