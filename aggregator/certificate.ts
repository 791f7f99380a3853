import { createSecureContext } from 'node:tls';
import { ConfigError, readNamedFile } from '../shared/config.ts';
import { messageOf } from '../shared/errors.ts';
import type { AggregatorConfig } from './config.ts';

/** The server's certificate and key, PEM, that belong together. */
export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
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
