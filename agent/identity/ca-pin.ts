import { createHash, type X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { CodedError, messageOf } from '../../shared/errors.ts';

/** What listens there does not show the key that the join token pins, or shows nothing. */
export class PinError extends CodedError<
  'ERR_PIN_MISMATCH' | 'ERR_PIN_SYNTAX' | 'ERR_PIN_CONNECT'
> {}

/** What a join token file holds: the token, and what the aggregator is known by when it tells. */
export interface JoinToken {
  readonly token: string;
  /** SHA-256 of a public key (SubjectPublicKeyInfo) among the server's certificates, hex. */
  readonly pin?: string;
}

const TIMEOUT_MS = 10_000;
const MAX_DEPTH = 10;
const DEFAULT_PORT = 443;

/** Reads `nsj_….…` or `nsj_….…@sha256:<64 hex digits>`. Throws `PinError`. */
export function readJoinToken(text: string): JoinToken {
  const [token = '', pin, ...more] = text.trim().split('@');
  if (pin === undefined) return { token };
  const [, hex] = /^sha256:([0-9a-fA-F]{64})$/.exec(pin) ?? [];
  if (hex === undefined || more.length > 0) {
    const message = 'join token: expected sha256: and 64 hex digits after the @';
    throw new PinError('ERR_PIN_SYNTAX', message);
  }
  return { token, pin: hex.toLowerCase() };
}

/**
 * The certificate (PEM) with the pinned key among those that a server shows. Nothing is sent to it: it has proved nothing
 * yet. A connection that trusts this certificate alone has then to verify the whole chain and the name.
 */
export async function findPinned(
  { hostname, port }: URL,
  pin: string,
  signal?: AbortSignal,
): Promise<string> {
  const host = hostname.replace(/^\[|\]$/g, '');
  // Imported, node:tls would keep the text of every root certificate it knows resident, for its names.
  const socket = process.getBuiltinModule('node:tls').connect({
    host,
    port: port === '' ? DEFAULT_PORT : Number(port),
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
    rejectUnauthorized: false,
  });
  try {
    const limit = AbortSignal.timeout(TIMEOUT_MS);
    const either = signal === undefined ? limit : AbortSignal.any([signal, limit]);
    await once(socket, 'secureConnect', { signal: either });
    const found = pinnedIn(socket.getPeerX509Certificate(), pin);
    if (found !== undefined) return found.toString();
  } catch (cause) {
    const message = `${host}: ${messageOf(cause)}`;
    throw new PinError('ERR_PIN_CONNECT', message, { cause });
  } finally {
    socket.destroy();
  }
  const message = `${host}: none of its certificates has the key that the join token names (sha256:${pin}): this is another server, or its authority was replaced`;
  throw new PinError('ERR_PIN_MISMATCH', message);
}

function pinnedIn(leaf: X509Certificate | undefined, pin: string): X509Certificate | undefined {
  let certificate = leaf;
  for (let depth = 0; depth < MAX_DEPTH && certificate !== undefined; depth++) {
    const spki = certificate.publicKey.export({ format: 'der', type: 'spki' });
    if (createHash('sha256').update(spki).digest('hex') === pin) return certificate;
    certificate = certificate.issuerCertificate;
  }
  return undefined;
}
