// One piece: one table of paths of certificates, found or refused.
import t from 'tap';
import {
  type Certificate,
  readCertificate,
} from '../../../../shared/trust/sigstore/certificate.ts';
import {
  type PathOptions,
  refusePath,
} from '../../../../shared/trust/sigstore/certificate-path.ts';
import {
  ANY_USAGE,
  basicConstraints,
  type CertificateOptions,
  CODE_SIGNING,
  certificate,
  ecKey,
  extendedKeyUsage,
  extension,
  generalName,
  keyUsage,
  nameConstraints,
  rsaKey,
  SERVER_AUTH,
  subjectAltName,
} from '../../../support/certificates.ts';
import { element, integer, objectIdentifier, sequence, tagged } from '../../../support/der.ts';

const rootKey = ecKey();
const middleKey = ecKey();
const leafKey = ecKey();
const strangerKey = ecKey();
const rsa = rsaKey();
const CA = [basicConstraints(true), keyUsage(5)];
const NOW = Date.UTC(2026, 0, 1);

function make(options: Partial<CertificateOptions>): Certificate {
  return readCertificate(
    certificate({ key: leafKey, signer: middleKey, subject: 'leaf', issuer: 'middle', ...options }),
    'certificate',
  );
}

const makeRoot = (options: Partial<CertificateOptions> = {}): Certificate =>
  make({
    key: rootKey,
    signer: rootKey,
    subject: 'root',
    issuer: 'root',
    extensions: CA,
    ...options,
  });
const makeMiddle = (options: Partial<CertificateOptions> = {}): Certificate =>
  make({
    key: middleKey,
    signer: rootKey,
    subject: 'middle',
    issuer: 'root',
    extensions: CA,
    ...options,
  });

const root = makeRoot();
const middle = makeMiddle();
const leaf = make({});

interface Case {
  readonly leaf?: Certificate;
  readonly anchors?: readonly Certificate[];
  readonly intermediates?: readonly Certificate[];
  readonly options?: Partial<PathOptions>;
}

const email = [generalName.email('a@example.com')];
const critical = extension('1.2.3.4', Buffer.of(1), true);
const policyConstraints = extension('2.5.29.36', sequence(tagged(0, 'primitive', Buffer.of(0))));
const year = (value: number): Date => new Date(Date.UTC(value, 0, 1));

const accepted: readonly (readonly [string, Case])[] = [
  ['root, intermediate, leaf', {}],
  ['an intermediate as anchor', { anchors: [middle], intermediates: [] }],
  ['the leaf itself as anchor', { anchors: [leaf], intermediates: [] }],
  [
    'a second root among the anchors',
    { anchors: [makeRoot({ key: strangerKey, signer: strangerKey }), root] },
  ],
  [
    'a wrong intermediate of the same name first',
    { intermediates: [makeMiddle({ key: strangerKey }), middle] },
  ],
  ['code signing', { leaf: make({ extensions: [extendedKeyUsage(SERVER_AUTH, CODE_SIGNING)] }) }],
  ['any usage', { leaf: make({ extensions: [extendedKeyUsage(ANY_USAGE)] }) }],
  [
    'an issuer of version 1 without constraints',
    { anchors: [makeRoot({ version: 0, extensions: [] })] },
  ],
  [
    'a path length that just suffices',
    { anchors: [makeRoot({ extensions: [basicConstraints(true, 1)] })] },
  ],
  [
    'an intermediate that allows none below',
    { intermediates: [makeMiddle({ extensions: [basicConstraints(true, 0)] })] },
  ],
  [
    'a key usage without any bit',
    { intermediates: [makeMiddle({ extensions: [basicConstraints(true), keyUsage()] })] },
  ],
  [
    'RSA all along',
    {
      anchors: [makeRoot({ key: rsa, signer: rsa })],
      intermediates: [makeMiddle({ signer: rsa })],
    },
  ],
  [
    'RSA-PSS',
    {
      anchors: [makeRoot({ key: rsa, signer: rsa })],
      leaf: make({ signer: middleKey }),
      intermediates: [makeMiddle({ signer: rsa })],
    },
  ],
  ['an intermediate twice', { intermediates: [middle, middle] }],
  [
    'allowed names',
    { leaf: make({ extensions: [subjectAltName(email)] }), anchors: [constrained('example.com')] },
  ],
  ['the first moment', { options: { atMs: Date.UTC(2020, 0, 1) } }],
  ['the last moment', { options: { atMs: Date.UTC(2060, 0, 1) } }],
  [
    'names nobody compares, forgiven',
    {
      leaf: make({ extensions: [subjectAltName([generalName.other()], true)] }),
      options: { forgivesLeafNames: true },
    },
  ],
];

function constrained(host: string): Certificate {
  return makeRoot({ extensions: [...CA, nameConstraints([generalName.email(host)], [])] });
}

const refused: readonly (readonly [string, Case, RegExp])[] = [
  ['no intermediate', { intermediates: [] }, /no configured CA/],
  ['no anchor', { anchors: [] }, /no configured CA/],
  [
    'another root of the same name',
    { anchors: [makeRoot({ key: strangerKey, signer: strangerKey })] },
    /does not verify/,
  ],
  ['a leaf signed by another', { leaf: make({ signer: strangerKey }) }, /does not verify/],
  [
    'an intermediate that is no CA',
    { intermediates: [makeMiddle({ extensions: [basicConstraints(false)] })] },
    /not allowed to sign/,
  ],
  [
    'an intermediate without constraints',
    { intermediates: [makeMiddle({ extensions: [] })] },
    /not allowed to sign/,
  ],
  [
    'an intermediate of version 1',
    { intermediates: [makeMiddle({ version: 0, extensions: [] })] },
    /not a CA/,
  ],
  [
    'an intermediate that may not sign',
    { intermediates: [makeMiddle({ extensions: [basicConstraints(true), keyUsage(0)] })] },
    /not allowed to sign/,
  ],
  [
    'a root that may not sign',
    { anchors: [makeRoot({ extensions: [basicConstraints(true), keyUsage(0)] })] },
    /not allowed to sign/,
  ],
  [
    'a path longer than the root allows',
    { anchors: [makeRoot({ extensions: [basicConstraints(true, 0)] })] },
    /fewer intermediate/,
  ],
  [
    'a leaf for servers',
    { leaf: make({ extensions: [extendedKeyUsage(SERVER_AUTH)] }) },
    /code signing/,
  ],
  [
    'an intermediate for servers',
    { intermediates: [makeMiddle({ extensions: [...CA, extendedKeyUsage(SERVER_AUTH)] })] },
    /code signing/,
  ],
  [
    'a root for servers',
    { anchors: [makeRoot({ extensions: [...CA, extendedKeyUsage(SERVER_AUTH)] })] },
    /code signing/,
  ],
  [
    'the leaf as anchor, for servers',
    { ...self(make({ extensions: [extendedKeyUsage(SERVER_AUTH)] })) },
    /code signing/,
  ],
  ['a leaf expired', { leaf: make({ notAfter: year(2025) }) }, /no longer valid/],
  ['a leaf of the future', { leaf: make({ notBefore: year(2027) }) }, /not valid yet/],
  [
    'an intermediate expired',
    { intermediates: [makeMiddle({ notAfter: year(2025) })] },
    /no longer valid/,
  ],
  ['a root expired', { anchors: [makeRoot({ notAfter: year(2025) })] }, /no longer valid/],
  ['a moment before', { options: { atMs: Date.UTC(2020, 0, 1) - 1 } }, /not valid yet/],
  ['a moment after', { options: { atMs: Date.UTC(2060, 0, 1) + 1 } }, /no longer valid/],
  ['a time beyond all dates', { options: { atMs: 1e21 } }, /no longer valid/],
  [
    'an unknown critical extension in the leaf',
    { leaf: make({ extensions: [critical] }) },
    /1\.2\.3\.4/,
  ],
  [
    'one in the intermediate',
    { intermediates: [makeMiddle({ extensions: [...CA, critical] })] },
    /1\.2\.3\.4/,
  ],
  ['one in the root', { anchors: [makeRoot({ extensions: [...CA, critical] })] }, /1\.2\.3\.4/],
  [
    'names nobody compares',
    { leaf: make({ extensions: [subjectAltName([generalName.other()], true)] }) },
    /2\.5\.29\.17/,
  ],
  [
    'the same in the intermediate, forgiven for leaves alone',
    {
      intermediates: [
        makeMiddle({ extensions: [...CA, subjectAltName([generalName.other()], true)] }),
      ],
      options: { forgivesLeafNames: true },
    },
    /2\.5\.29\.17/,
  ],
  [
    'a name that is not allowed',
    { leaf: make({ extensions: [subjectAltName(email)] }), anchors: [constrained('example.org')] },
    /name constraints/,
  ],
  [
    'a policy that is demanded',
    { intermediates: [makeMiddle({ extensions: [...CA, policyConstraints] })] },
    /policies/,
  ],
  [
    'SHA-1',
    { leaf: make(signedWith(sequence(objectIdentifier('1.2.840.10045.4.1')))) },
    /not accepted/,
  ],
  ['PSS parameters of another salt', { leaf: make({ ...signedWith(pss(20)) }) }, /not accepted/],
  [
    'an algorithm of another kind of key',
    { leaf: make(signedWith(sequence(objectIdentifier('1.2.840.113549.1.1.11'), element(5)))) },
    /does not verify/,
  ],
];

function self(certificate: Certificate): Case {
  return { leaf: certificate, anchors: [certificate], intermediates: [] };
}

function signedWith(algorithm: Uint8Array): Partial<CertificateOptions> {
  return { innerAlgorithm: algorithm, outerAlgorithm: algorithm };
}

function pss(salt: number): Buffer {
  const sha256 = sequence(objectIdentifier('2.16.840.1.101.3.4.2.1'), element(5));
  const mask = sequence(objectIdentifier('1.2.840.113549.1.1.8'), sha256);
  return sequence(
    objectIdentifier('1.2.840.113549.1.1.10'),
    sequence(
      tagged(0, 'constructed', sha256),
      tagged(1, 'constructed', mask),
      tagged(2, 'constructed', integer(salt)),
    ),
  );
}

function refusal({
  leaf: subject = leaf,
  anchors = [root],
  intermediates = [middle],
  options,
}: Case): string | undefined {
  return refusePath(subject, { anchors, intermediates, atMs: NOW, ...options });
}

for (const [name, given] of accepted) {
  t.test(`a path with ${name} is found`, async (t) => t.equal(refusal(given), undefined));
}

for (const [name, given, message] of refused) {
  t.test(`a path with ${name} is refused`, async (t) => {
    t.match(refusal(given) ?? 'accepted', message);
  });
}

t.test(
  'a path is looked for in bounded time among intermediates that sign each other',
  async (t) => {
    const crowd = Array.from({ length: 200 }, (_, number) =>
      makeMiddle({
        key: middleKey,
        signer: middleKey,
        subject: 'middle',
        issuer: 'middle',
        serial: integer(number + 1),
        extensions: [...CA, subjectAltName([generalName.host(`h${number}`)])],
      }),
    );
    const before = process.cpuUsage();
    t.match(refusal({ intermediates: crowd }) ?? 'accepted', /100 signature checks/);
    t.ok(process.cpuUsage(before).user < 500_000, 'took less than half a second');
  },
);
