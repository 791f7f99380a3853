// One piece: tables of certificates with the outcome of each.
import t from 'tap';
import type {
  FulcioTrust,
  PkiTrust,
  SigstoreSigned,
} from '../../../../shared/trust/policy-types.ts';
import { readSignatureBlob } from '../../../../shared/trust/signature-blob.ts';
import { evaluateSigstoreSigned } from '../../../../shared/trust/sigstore.ts';
import {
  basicConstraints,
  type CertificateOptions,
  CODE_SIGNING,
  certificate,
  ecKey,
  extendedKeyUsage,
  extension,
  generalName,
  keyUsage,
  pem,
  subjectAltName,
  type TestKey,
} from '../../../support/certificates.ts';
import { element, utf8String } from '../../../support/der.ts';
import {
  ANNOTATION,
  bundleOf,
  type EntryOptions,
  MANIFEST,
  payloadOf,
  REFERENCE,
  signPayload,
  storedBlob,
} from '../../../support/sigstore.ts';

const rootKey = ecKey();
const middleKey = ecKey();
const leafKey = ecKey();
const log = ecKey();
const CA = [basicConstraints(true), keyUsage(5)];
const NOW = Date.UTC(2026, 5, 1);
const ISSUED = Date.UTC(2023, 5, 1);
const TEN_MINUTES = 600_000;
const OLD = '1.3.6.1.4.1.57264.1.1';
const NEW = '1.3.6.1.4.1.57264.1.8';
const issuer = Buffer.from('https://issuer.example');

const root = pem(
  certificate({ key: rootKey, signer: rootKey, subject: 'root', issuer: 'root', extensions: CA }),
);
const middle = pem(
  certificate({
    key: middleKey,
    signer: rootKey,
    subject: 'middle',
    issuer: 'root',
    extensions: CA,
  }),
);

interface Scene {
  readonly signer?: TestKey;
  readonly names?: Uint8Array;
  readonly issuer?: readonly Uint8Array[];
  readonly leaf?: Partial<CertificateOptions>;
  /** Certificate annotation; undefined leaves it out. */
  readonly certificate?: (pem: string) => string | undefined;
  readonly chain?: string | undefined;
  readonly entry?: Partial<EntryOptions>;
  readonly hasBundle?: boolean;
  readonly ca?: Pick<FulcioTrust, 'caPath' | 'caData'>;
}

const trust: Pick<FulcioTrust, 'oidcIssuer' | 'subjectEmail'> = {
  oidcIssuer: 'https://issuer.example',
  subjectEmail: 'signer@example.com',
};
const defaultNames = subjectAltName([generalName.email('signer@example.com')], true);

async function judge(scene: Scene, requirement: Partial<SigstoreSigned>): Promise<string> {
  const leaf = certificate({
    key: leafKey,
    signer: middleKey,
    subject: 'leaf',
    issuer: 'middle',
    notBefore: new Date(ISSUED),
    notAfter: new Date(ISSUED + TEN_MINUTES),
    extensions: [
      extendedKeyUsage(CODE_SIGNING),
      scene.names ?? defaultNames,
      ...(scene.issuer ?? [extension(OLD, issuer)]),
    ],
    ...scene.leaf,
  });
  const payload = payloadOf();
  const signature = signPayload(scene.signer ?? leafKey, payload);
  const text = scene.certificate === undefined ? pem(leaf) : scene.certificate(pem(leaf));
  const bundle = bundleOf({
    log,
    keyOrCertificate: text ?? '',
    signature,
    payload,
    integratedTime: ISSUED / 1000 + 60,
    ...scene.entry,
  });
  const chain = 'chain' in scene ? scene.chain : middle + root;
  const blob = storedBlob(payload, {
    [ANNOTATION.signature]: signature.toString('base64'),
    ...(scene.hasBundle === false ? {} : { [ANNOTATION.bundle]: JSON.stringify(bundle) }),
    ...(text === undefined ? {} : { [ANNOTATION.certificate]: text }),
    ...(chain === undefined ? {} : { [ANNOTATION.chain]: chain }),
  });
  const verdict = await evaluateSigstoreSigned(
    { type: 'sigstoreSigned', signedIdentity: { type: 'matchExact' }, ...requirement },
    {
      transport: 'docker',
      policyReference: REFERENCE,
      dockerReference: REFERENCE,
      manifest: MANIFEST,
      signatures: [],
    },
    [readSignatureBlob(blob)],
    { readFile: () => Promise.reject(new Error('no files here')), nowMs: NOW },
  );
  return verdict.satisfied ? 'accepted' : (verdict.reason ?? '');
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function fulcio(scene: Scene): Promise<string> {
  return judge(scene, {
    fulcio: { ...(scene.ca ?? { caData: base64(root) }), ...trust },
    rekorPublicKeyData: base64(log.pem),
  });
}

const emails = (...list: string[]): Uint8Array => subjectAltName(list.map(generalName.email));
const after = (seconds: number): Scene => ({ entry: { integratedTime: ISSUED / 1000 + seconds } });

// Traps 32 and 33: the last of the chain is dropped; the log's time decides.
const fulcioCases: readonly (readonly [string, Scene, string])[] = [
  ['long expired, but logged in time', {}, 'accepted'],
  ['logged in its first second', after(0), 'accepted'],
  ['logged in its last second', after(600), 'accepted'],
  ['logged a second early', after(-1), 'certificate-invalid'],
  ['logged a second late', after(601), 'certificate-invalid'],
  ['with a chain of the intermediate alone', { chain: middle }, 'certificate-invalid'],
  ['with anything last in the chain', { chain: middle + middle }, 'accepted'],
  ['with the chain the wrong way round', { chain: root + middle }, 'certificate-invalid'],
  ['without a chain', { chain: undefined }, 'certificate-invalid'],
  ['with a chain that is no PEM', { chain: 'x' }, 'certificate-invalid'],
  [
    'with an empty chain, signed by the root',
    { chain: '', leaf: { signer: rootKey, issuer: 'root' } },
    'accepted',
  ],
  [
    'with the intermediate as anchor',
    { chain: undefined, ca: { caData: base64(middle) } },
    'accepted',
  ],
  ['with anchors that are none', { ca: { caData: base64(log.pem) } }, 'certificate-invalid'],
  ['with an anchor that cannot be read', { ca: { caPath: '/missing' } }, 'key-unreadable'],
  [
    'with the issuer in the newer form',
    { issuer: [extension(NEW, utf8String('https://issuer.example'))] },
    'accepted',
  ],
  [
    'with the issuer in both forms',
    { issuer: [extension(OLD, issuer), extension(NEW, utf8String('https://issuer.example'))] },
    'accepted',
  ],
  [
    'with two issuers',
    { issuer: [extension(OLD, issuer), extension(NEW, utf8String('https://other.example'))] },
    'certificate-issuer',
  ],
  ['with no issuer', { issuer: [] }, 'certificate-issuer'],
  [
    'with another issuer',
    { issuer: [extension(OLD, Buffer.from('https://issuer.example/'))] },
    'certificate-issuer',
  ],
  [
    'with an issuer that is no string',
    { issuer: [extension(NEW, element(2, [1]))] },
    'certificate-issuer',
  ],
  [
    'with more behind the issuer',
    {
      issuer: [
        extension(NEW, Buffer.concat([utf8String('https://issuer.example'), Buffer.of(5, 0)])),
      ],
    },
    'certificate-issuer',
  ],
  ['with raw text where DER belongs', { issuer: [extension(NEW, issuer)] }, 'certificate-issuer'],
  [
    'for the second of two addresses',
    { names: emails('a@example.com', 'signer@example.com') },
    'accepted',
  ],
  [
    'for an address in another case',
    { names: emails('Signer@example.com') },
    'certificate-subject',
  ],
  [
    'for a longer address',
    { names: emails('signer@example.com.evil.test') },
    'certificate-subject',
  ],
  [
    'for a workload',
    { names: subjectAltName([generalName.uri('https://example.com/workflow')], true) },
    'certificate-subject',
  ],
  [
    'for a critical name nobody compares',
    { names: subjectAltName([generalName.other()], true) },
    'certificate-subject',
  ],
  ['without any name', { leaf: { extensions: [extension(OLD, issuer)] } }, 'certificate-subject'],
  ['missing', { certificate: () => undefined }, 'annotation-missing'],
  ['without a log entry', { hasBundle: false }, 'annotation-missing'],
  ['twice', { certificate: (text) => text + text }, 'rekor-set'],
  ['that is garbage', { certificate: () => 'garbage' }, 'rekor-set'],
  [
    'whose block holds no certificate',
    { certificate: () => pem(Buffer.from('x')) },
    'certificate-invalid',
  ],
  ['with text before it', { certificate: (text) => `hello\n${text}` }, 'accepted'],
  ['other than the logged one', { entry: { keyOrCertificate: middle } }, 'rekor-set'],
  ['with its bare key in the log', { entry: { keyOrCertificate: leafKey.pem } }, 'rekor-set'],
  ['whose key did not sign', { signer: ecKey() }, 'signature-invalid'],
  ['on a curve that is not accepted', { leaf: { key: ecKey('secp256k1') } }, 'certificate-invalid'],
];

for (const [name, scene, expected] of fulcioCases) {
  t.test(`a Fulcio certificate ${name} is ${expected}`, async (t) => {
    t.equal(await fulcio(scene), expected);
  });
}

t.test('a Fulcio requirement without a log key is refused, not waved through', async (t) => {
  const requirement = { fulcio: { caData: base64(root), ...trust } };
  t.equal(await judge({}, requirement), 'key-invalid');
});

const valid = { notBefore: new Date(ISSUED), notAfter: new Date(NOW) };
const hosts = (...list: string[]): Uint8Array => subjectAltName(list.map(generalName.host), true);
const email = { subjectEmail: 'signer@example.com' };
const host = { subjectHostname: 'build.example.com' };

const pkiCases: readonly (readonly [string, Scene, Partial<PkiTrust>, string])[] = [
  ['valid to this moment', { leaf: valid }, email, 'accepted'],
  ['that expired, though it was valid when it signed', {}, email, 'certificate-invalid'],
  [
    'of the future',
    { leaf: { notBefore: new Date(NOW + 1000), notAfter: new Date(NOW + 2000) } },
    email,
    'certificate-invalid',
  ],
  ['without a chain', { leaf: valid, chain: undefined }, email, 'certificate-invalid'],
  [
    'with a chain of the intermediate alone',
    { leaf: valid, chain: middle },
    email,
    'certificate-invalid',
  ],
  [
    'with a configured intermediate',
    { leaf: valid, chain: undefined },
    { ...email, caIntermediatesData: base64(middle) },
    'accepted',
  ],
  [
    'with configured intermediates that are none',
    { leaf: valid },
    { ...email, caIntermediatesData: base64('x') },
    'certificate-invalid',
  ],
  [
    'with an unreadable intermediate',
    { leaf: valid },
    { ...email, caIntermediatesPath: '/missing' },
    'key-unreadable',
  ],
  [
    'for another address',
    { leaf: valid, names: emails('a@example.com') },
    email,
    'certificate-subject',
  ],
  ['for a host', { leaf: valid, names: hosts('build.example.com') }, host, 'accepted'],
  ['for a wildcard', { leaf: valid, names: hosts('*.example.com') }, host, 'accepted'],
  ['for another host', { leaf: valid, names: hosts('x.example.com') }, host, 'certificate-subject'],
  [
    'for an address where a host is needed too',
    { leaf: valid },
    { ...email, ...host },
    'certificate-subject',
  ],
  [
    'for a critical name nobody compares',
    { leaf: valid, names: subjectAltName([generalName.other()], true) },
    email,
    'certificate-invalid',
  ],
  ['missing', { leaf: valid, certificate: () => undefined }, email, 'annotation-missing'],
  ['twice', { leaf: valid, certificate: (text) => text + text }, email, 'certificate-invalid'],
  ['whose key did not sign', { leaf: valid, signer: ecKey() }, email, 'signature-invalid'],
];

for (const [name, { leaf = {}, ...scene }, subject, expected] of pkiCases) {
  t.test(`a certificate of an own authority ${name} is ${expected}`, async (t) => {
    const names = scene.names ?? defaultNames;
    const extensions = [extendedKeyUsage(CODE_SIGNING), names];
    const requirement = { pki: { caRootsData: base64(root), ...subject } };
    t.equal(await judge({ ...scene, leaf: { extensions, ...leaf } }, requirement), expected);
  });
}
