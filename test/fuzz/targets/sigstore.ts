import {
  basicConstraints,
  type CertificateOptions,
  CODE_SIGNING,
  certificate,
  ecKey,
  ed25519Key,
  extendedKeyUsage,
  extension,
  generalName,
  keyUsage,
  nameConstraints,
  pem,
  rsaKey,
  subjectAltName,
  type TestKey,
} from '../../support/certificates.ts';
import {
  ANNOTATION,
  bundleOf,
  keySigned,
  payloadOf,
  signPayload,
  storedBlob,
} from '../../support/sigstore.ts';
import type { FuzzTarget } from '../target.ts';
import { question, verificationTarget } from '../verification.ts';

const ISSUED = Date.UTC(2023, 5, 1);
const MINUTE = 60_000;

/** Sigstore signatures of every kind, keys, certificates, log entries, and the policies that ask for them. */
export const sigstore: FuzzTarget = {
  name: 'sigstore',
  prepare: async (conformance) =>
    await verificationTarget(ownQuestions(), conformance, 'sigstore-verify'),
};

function ownQuestions() {
  const [rootKey, leafKey, log, stranger] = [ecKey(), ecKey(), ecKey(), ecKey()];
  const payload = payloadOf();
  const root = pem(
    certificate({
      ...{ key: rootKey, signer: rootKey, subject: 'root', issuer: 'root' },
      extensions: [
        basicConstraints(true),
        keyUsage(5),
        nameConstraints([generalName.email('example.com')], []),
      ],
    }),
  );
  const leaf = (options: Partial<CertificateOptions> = {}): string =>
    pem(
      certificate({
        ...{ key: leafKey, signer: rootKey, subject: 'leaf', issuer: 'root' },
        extensions: [
          extendedKeyUsage(CODE_SIGNING),
          subjectAltName([generalName.email('a@example.com'), generalName.host('h.example.com')]),
          extension('1.3.6.1.4.1.57264.1.1', Buffer.from('https://issuer')),
        ],
        ...options,
      }),
    );
  const blob = (
    key: TestKey,
    given: string | undefined,
    entryLog: TestKey = log,
    time = ISSUED + MINUTE,
  ) => {
    const signature = signPayload(key, payload);
    const keyOrCertificate = given ?? key.pem;
    const entry = {
      log: entryLog,
      keyOrCertificate,
      signature,
      payload,
      integratedTime: time / 1000,
    };
    return storedBlob(payload, {
      [ANNOTATION.signature]: signature.toString('base64'),
      [ANNOTATION.bundle]: JSON.stringify(bundleOf(entry)),
      ...(given === undefined
        ? {}
        : { [ANNOTATION.certificate]: given, [ANNOTATION.chain]: root + root }),
    });
  };
  const byKey = { type: 'sigstoreSigned', keyPath: '/key' };
  const logged = { ...byKey, rekorPublicKeyPath: '/log' };
  const fulcio = {
    type: 'sigstoreSigned',
    fulcio: { caPath: '/root', oidcIssuer: 'https://issuer', subjectEmail: 'a@example.com' },
    rekorPublicKeyPath: '/log',
  };
  const pki = {
    type: 'sigstoreSigned',
    pki: { caRootsPath: '/root', subjectEmail: 'a@example.com', subjectHostname: 'h.example.com' },
  };
  const files = { '/key': leafKey.pem, '/log': log.pem, '/root': root };
  const short = { notBefore: new Date(ISSUED), notAfter: new Date(ISSUED + 10 * MINUTE) };
  const good = [leafKey, rsaKey(1024), ed25519Key()].map((key) =>
    question(byKey, [keySigned(key)], { '/key': key.pem }),
  );
  const hopeless = [
    question(byKey, [keySigned(stranger)], files),
    question(
      byKey,
      [keySigned(leafKey, payloadOf({ reference: 'registry.example.com/other:v1' }))],
      files,
    ),
    question(logged, [blob(leafKey, undefined, stranger)], files),
    question(fulcio, [blob(leafKey, leaf(short), log, ISSUED + 11 * MINUTE)], files),
    question(fulcio, [blob(stranger, leaf(short))], files),
    question(pki, [blob(leafKey, leaf(short))], files),
    question(pki, [blob(leafKey, leaf({ signer: stranger }))], files),
  ];
  return [
    ...good,
    question(logged, [blob(leafKey, undefined)], files),
    question(fulcio, [blob(leafKey, leaf(short))], files),
    question(pki, [blob(leafKey, leaf())], files),
    ...hopeless.map((one) => ({ ...one, isHopeless: true })),
  ];
}
