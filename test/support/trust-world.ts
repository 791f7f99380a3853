import fc from 'fast-check';
import {
  certificate,
  ecKey,
  extension,
  generalName,
  pem,
  subjectAltName,
  type TestKey,
} from './certificates.ts';
import { ANNOTATION, bundleOf, MANIFEST, payloadOf, signPayload, storedBlob } from './sigstore.ts';
import { openPgpKey, simplePayload, simpleSign } from './simple-signing.ts';

/*
 * A small world for random policies: real keys and real signatures of every kind, few enough that random things meet.
 */

const NAMES = ['reg.io/ns/app', 'reg.io/ns/lib', 'sub.reg.io:5000/app'] as const;
const SIGNED = [...NAMES.map((name) => `${name}:v1`), 'reg.io/ns/app:v2', 'reg.io/ns/app'];
/** Images that are asked about. */
export const REFERENCES: readonly string[] = [
  ...NAMES.map((name) => `${name}:v1`),
  'reg.io/ns/app:v2',
  'other.org/x:v1',
];

export const SCOPES: readonly string[] = [
  '',
  '*.io',
  'reg.io',
  'reg.io/ns',
  'reg.io/ns/app',
  'reg.io/ns/app:v1',
  '*.reg.io',
  'sub.reg.io:5000',
  'nonsense*',
];

const openPgpKeys = [await openPgpKey('one'), await openPgpKey('two')];
const sigstoreKeys = [ecKey(), ecKey()];
const logs = [ecKey(), ecKey()];
const authority = ecKey();
/** What the policies name. */
const files = new Map<string, string>([
  ...openPgpKeys.map(({ armored }, index) => [`/pgp${index}`, armored] as const),
  ...sigstoreKeys.map(({ pem: text }, index) => [`/key${index}`, text] as const),
  ...logs.map(({ pem: text }, index) => [`/log${index}`, text] as const),
  [
    '/ca',
    pem(
      certificate({ key: authority, signer: authority, subject: 'ca', issuer: 'ca', version: 0 }),
    ),
  ] as const,
]);

function logged(key: TestKey, payload: Buffer, log: TestKey | undefined, issued?: string): Buffer {
  const signature = signPayload(key, payload);
  const bundle = log && bundleOf({ log, keyOrCertificate: issued ?? key.pem, signature, payload });
  return storedBlob(payload, {
    [ANNOTATION.signature]: signature.toString('base64'),
    ...(bundle && { [ANNOTATION.bundle]: JSON.stringify(bundle) }),
    ...(issued === undefined ? {} : { [ANNOTATION.certificate]: issued }),
  });
}

function issuedTo(email: string, key: TestKey): string {
  const extensions = [
    subjectAltName([generalName.email(email)]),
    extension('1.3.6.1.4.1.57264.1.1', Buffer.from('https://issuer')),
  ];
  return pem(certificate({ key, signer: authority, subject: email, issuer: 'ca', extensions }));
}

const issued = ['a@x', 'b@x'].map((email, index) =>
  issuedTo(email, sigstoreKeys[index] ?? authority),
);

/** Every signature there is, made once. */
export const signatures: Buffer[] = [];
for (const reference of SIGNED) {
  for (const key of openPgpKeys) {
    signatures.push(await simpleSign(key, simplePayload(MANIFEST, reference)));
  }
  const payload = payloadOf({ reference });
  for (const [index, key] of sigstoreKeys.entries()) {
    for (const log of [undefined, ...logs]) signatures.push(logged(key, payload, log));
    signatures.push(logged(key, payload, logs[0], issued[index]));
  }
}
/** No signature, and an error of the whole image. */
export const broken: Buffer = Buffer.from('\0sigstore-json\n{');

const identities = fc.constantFrom(
  undefined,
  { type: 'matchExact' },
  { type: 'matchRepoDigestOrExact' },
  { type: 'matchRepository' },
  { type: 'exactReference', dockerReference: 'reg.io/ns/app:v1' },
  { type: 'exactRepository', dockerRepository: 'reg.io/ns/app' },
  { type: 'exactRepository', dockerRepository: 'reg.io/ns/lib' },
  { type: 'remapIdentity', prefix: 'reg.io/ns/app', signedPrefix: 'reg.io/ns/lib' },
  { type: 'remapIdentity', prefix: 'sub.reg.io:5000', signedPrefix: 'reg.io/ns' },
);
const base64 = (path: string): string => Buffer.from(files.get(path) ?? '').toString('base64');
const sources = (prefix: string) =>
  fc.constantFrom<object>(
    { keyPath: `/${prefix}0` },
    { keyPath: `/${prefix}1` },
    { keyPaths: [`/${prefix}1`, `/${prefix}0`] },
    { keyData: base64(`/${prefix}0`) },
  );
const rekor = fc.constantFrom<object>(
  {},
  { rekorPublicKeyPath: '/log0' },
  { rekorPublicKeyPaths: ['/log0', '/log1'] },
  { rekorPublicKeyData: base64('/log1') },
);
const signers = fc.oneof(
  fc.tuple(sources('key'), rekor).map(([keys, log]) => ({ ...keys, ...log })),
  fc.constantFrom('a@x', 'b@x').map((subjectEmail) => ({
    fulcio: { caPath: '/ca', oidcIssuer: 'https://issuer', subjectEmail },
    rekorPublicKeyPath: '/log0',
  })),
  fc
    .constantFrom('a@x', 'b@x')
    .map((subjectEmail) => ({ pki: { caRootsPath: '/ca', subjectEmail } })),
);
/** One requirement, as policy.json writes it. */
export const requirement: fc.Arbitrary<object> = fc.oneof(
  { weight: 2, arbitrary: fc.constant<object>({ type: 'insecureAcceptAnything' }) },
  { weight: 1, arbitrary: fc.constant<object>({ type: 'reject' }) },
  {
    weight: 1,
    arbitrary: fc.constant<object>({ type: 'signedBy', keyType: 'GPGKeys', keyPaths: [] }),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(sources('pgp'), identities).map(([keys, signedIdentity]) => ({
      type: 'signedBy',
      keyType: 'GPGKeys',
      ...keys,
      signedIdentity,
    })),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(signers, identities)
      .map(([from, signedIdentity]) => ({ type: 'sigstoreSigned', ...from, signedIdentity })),
  },
);

export async function readKeyFile(path: string): Promise<Uint8Array> {
  const content = files.get(path);
  if (content === undefined) throw new Error(`no file ${path}`);
  return Buffer.from(content);
}
