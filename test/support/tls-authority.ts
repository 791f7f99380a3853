import {
  basicConstraints,
  certificate,
  ecKey,
  extendedKeyUsage,
  generalName,
  pem,
  SERVER_AUTH,
  subjectAltName,
} from './certificates.ts';
import type { ServerKeys } from './signature-server.ts';

/** An authority of a test with the certificate of a server, at 127.0.0.1 unless named, that it issued. */
export interface TlsAuthority {
  /** What a client has to trust. */
  readonly ca: string;
  readonly server: ServerKeys;
}

/** `names`: of the server's certificate; `notBefore`: of it, by default long ago. */
export function tlsAuthority(
  name = 'authority',
  notBefore?: Date,
  names: readonly Buffer[] = [generalName.address(127, 0, 0, 1)],
): TlsAuthority {
  const signer = ecKey();
  const key = ecKey();
  const isCa = [basicConstraints(true)];
  const ca = certificate({ key: signer, signer, subject: name, issuer: name, extensions: isCa });
  const cert = certificate({
    key,
    signer,
    subject: 'server',
    issuer: name,
    ...(notBefore && { notBefore }),
    extensions: [subjectAltName(names), extendedKeyUsage(SERVER_AUTH)],
  });
  const secret = key.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  return { ca: pem(ca), server: { key: secret, cert: pem(cert) } };
}
