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

/** An authority of a test with the certificate of a server at 127.0.0.1 that it issued. */
export interface TlsAuthority {
  /** What a client has to trust. */
  readonly ca: string;
  readonly server: ServerKeys;
}

/** `notBefore`: of the server's certificate; by default long ago. */
export function tlsAuthority(name = 'authority', notBefore?: Date): TlsAuthority {
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
    extensions: [
      subjectAltName([generalName.address(127, 0, 0, 1)]),
      extendedKeyUsage(SERVER_AUTH),
    ],
  });
  const secret = key.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  return { ca: pem(ca), server: { key: secret, cert: pem(cert) } };
}
