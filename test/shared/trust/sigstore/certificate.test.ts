import { X509Certificate } from 'node:crypto';
import t from 'tap';
import {
  readAnchors,
  readCertificate,
  readCertificates,
} from '../../../../shared/trust/sigstore/certificate.ts';
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
  name,
  nameConstraints,
  pem,
  rsaKey,
  subjectAltName,
} from '../../../support/certificates.ts';
import {
  bitString,
  element,
  integer,
  objectIdentifier,
  sequence,
  tagged,
} from '../../../support/der.ts';

const key = ecKey();
const base: CertificateOptions = { key, signer: key };
const names = [
  generalName.email('a@example.com'),
  generalName.host('build.example.com'),
  generalName.uri('https://example.com/x?y=%20'),
  generalName.address(192, 0, 2, 1),
  generalName.other(),
];

t.test('a certificate is read as OpenSSL reads it', async (t) => {
  for (const signer of [key, rsaKey(), ed25519Key()]) {
    const der = certificate({
      ...base,
      signer,
      extensions: [subjectAltName(names), basicConstraints(true, 3), keyUsage(0, 5)],
    });
    const theirs = new X509Certificate(der);
    const ours = readCertificate(der, 'certificate');
    t.ok(theirs.verify(signer.publicKey), 'our maker of certificates is right');
    t.equal(ours.notBeforeMs, Date.parse(theirs.validFrom));
    t.equal(ours.notAfterMs, Date.parse(theirs.validTo));
    t.equal(theirs.ca, ours.extensions.basicConstraints?.isCa);
    t.ok(ours.publicKey?.key.equals(theirs.publicKey));
    t.match(theirs.subjectAltName, `email:${ours.extensions.subjectNames.emails}`);
  }
});

t.test('a certificate gives up its extensions', async (t) => {
  const { extensions } = readCertificate(
    certificate({
      ...base,
      extensions: [
        subjectAltName(names, true),
        basicConstraints(true, 0),
        keyUsage(0),
        extendedKeyUsage(CODE_SIGNING, '1.2.3'),
        extension('1.2.3.4', Buffer.from('x'), true),
      ],
    }),
    'certificate',
  );
  t.match(extensions, {
    unhandledCritical: ['1.2.3.4'],
    subjectNames: {
      emails: ['a@example.com'],
      hosts: ['build.example.com'],
      uris: ['https://example.com/x?y=%20'],
    },
    mayCertify: false,
    basicConstraints: { isCa: true, maxPathLength: 0n },
    extendedKeyUsages: [CODE_SIGNING, '1.2.3'],
  });
});

const critical: readonly (readonly [string, Uint8Array, readonly string[]])[] = [
  ['names of kinds nobody compares', subjectAltName([generalName.other()], true), ['2.5.29.17']],
  ['names some of which are compared', subjectAltName(names, true), []],
  ['the same not critical', subjectAltName([generalName.other()]), []],
  [
    'constraints on kinds nobody compares',
    nameConstraints([generalName.other()], []),
    ['2.5.29.30'],
  ],
  ['constraints on hosts', nameConstraints([generalName.host('example.com')], []), []],
];

for (const [what, added, expected] of critical) {
  t.test(`critical extensions: ${what}`, async (t) => {
    const der = certificate({ ...base, extensions: [added] });
    t.same(readCertificate(der, 'certificate').extensions.unhandledCritical, expected);
  });
}

const curve = objectIdentifier('1.2.840.10045.2.1');
const refused: readonly (readonly [string, Partial<CertificateOptions>])[] = [
  ['of version 4', { version: 3 }],
  ['with a negative serial number', { serial: element(2, [0x80]) }],
  ['with an integer that is not the shortest', { serial: element(2, [0, 1]) }],
  ['with two signature algorithms', { innerAlgorithm: sequence(objectIdentifier('1.2.3')) }],
  ['with a year 2020-02-30', { subjectName: badTimeName() }],
  ['with an at sign in a PrintableString', { subjectName: nameOf(0x13, 'a@b') }],
  ['with UTF-8 that is none', { subjectName: nameOf(0x0c, Buffer.of(0xff)) }],
  ['with an odd BMPString', { subjectName: nameOf(0x1e, 'abc') }],
  ['with a number for a name', { subjectName: nameOf(0x02, Buffer.of(1)) }],
  ['with a key on secp256k1', { key: ecKey('secp256k1') }],
  [
    'with a key on a curve written out',
    { spki: sequence(sequence(curve, sequence(integer(1))), bitString(Buffer.alloc(65))) },
  ],
  ['with a compressed point', { spki: compressedPoint() }],
  [
    'with a point off its curve',
    {
      spki: sequence(
        sequence(curve, objectIdentifier('1.2.840.10045.3.1.7')),
        bitString(Buffer.alloc(65, 4)),
      ),
    },
  ],
  ['with an extension twice', { extensions: [keyUsage(0), keyUsage(0)] }],
  [
    'with a critical subject key id',
    { extensions: [extension('2.5.29.14', element(4, [1]), true)] },
  ],
  [
    'with a path length below zero',
    { extensions: [extension('2.5.29.19', sequence(element(1, [255]), element(2, [0x80])))] },
  ],
  ['with a boolean of 01', { extensions: [extension('2.5.29.19', sequence(element(1, [1])))] }],
  [
    'with a letter beyond ASCII in an e-mail address',
    { extensions: [subjectAltName([generalName.email('\u00e4@x')])] },
  ],
  [
    'with an address of five bytes',
    { extensions: [subjectAltName([generalName.address(1, 2, 3, 4, 5)])] },
  ],
  ['with a URI that is none', { extensions: [subjectAltName([generalName.uri('https://%zz')])] }],
  ['with constraints on nothing', { extensions: [nameConstraints([], [])] }],
  [
    'with a constraint on half a name',
    { extensions: [nameConstraints([generalName.host('a..b')], [])] },
  ],
  [
    'with a mask with holes',
    { extensions: [nameConstraints([generalName.address(1, 2, 3, 4, 255, 0, 255, 0)], [])] },
  ],
  [
    'with an extended key usage that is no list',
    { extensions: [extension('2.5.29.37', integer(1))] },
  ],
];

function nameOf(tag: number, value: string | Uint8Array): Buffer {
  const attribute = sequence(objectIdentifier('2.5.4.3'), element(tag, Buffer.from(value)));
  return sequence(element(0x31, attribute));
}

function badTimeName(): Buffer {
  return Buffer.concat([name('x'), Buffer.alloc(0)]).subarray(1);
}

function compressedPoint(): Buffer {
  const spki = key.publicKey.export({ format: 'der', type: 'spki' });
  const point = spki.subarray(-65);
  return sequence(
    sequence(curve, objectIdentifier('1.2.840.10045.3.1.7')),
    bitString(Buffer.concat([Buffer.of(2 + ((point.at(-1) ?? 0) & 1)), point.subarray(1, 33)])),
  );
}

for (const [what, options] of refused) {
  t.test(`a certificate ${what} is refused`, async (t) => {
    const der = certificate({ ...base, ...options });
    t.throws(() => readCertificate(der, 'certificate'), { code: 'certificate-invalid' });
  });
}

const times: readonly (readonly [string, number, string, number | undefined])[] = [
  [
    'two digits of a year of this century',
    0x17,
    '491231235959Z',
    Date.UTC(2049, 11, 31, 23, 59, 59),
  ],
  ['two digits of a year of the last', 0x17, '500101000000Z', Date.UTC(1950, 0, 1)],
  ['no seconds', 0x17, '2001010000Z', Date.UTC(2020, 0, 1)],
  ['an offset', 0x17, '200101000000+0130', Date.UTC(2019, 11, 31, 22, 30)],
  ['four digits', 0x18, '20600101000000Z', Date.UTC(2060, 0, 1)],
  ['a day that does not exist', 0x17, '210229000000Z', undefined],
  ['hour 24', 0x18, '20200101240000Z', undefined],
  ['no zone', 0x17, '200101000000', undefined],
  ['a fraction', 0x18, '20200101000000.5Z', undefined],
  ['a zero offset that should be Z', 0x17, '200101000000+0000', undefined],
  ['a string', 0x0c, '200101000000Z', undefined],
];

for (const [what, tag, text, expected] of times) {
  t.test(`a time with ${what}`, async (t) => {
    const der = withNotBefore(element(tag, Buffer.from(text)));
    if (expected === undefined) {
      t.throws(() => readCertificate(der, 'certificate'), { code: 'certificate-invalid' });
    } else {
      t.equal(readCertificate(der, 'certificate').notBeforeMs, expected);
    }
  });
}

function withNotBefore(time: Uint8Array): Buffer {
  const algorithm = sequence(objectIdentifier('1.2.840.10045.4.3.2'));
  const validity = sequence(time, element(0x18, Buffer.from('20600101000000Z')));
  const spki = key.publicKey.export({ format: 'der', type: 'spki' });
  const tbs = sequence(integer(1), algorithm, name('x'), validity, name('x'), spki);
  return sequence(tbs, algorithm, bitString(Buffer.alloc(8)));
}

t.test('every certificate cut short, or with more behind it, is refused', async (t) => {
  const der = certificate({ ...base, extensions: [subjectAltName(names), basicConstraints(true)] });
  for (let length = 0; length < der.length; length++) {
    const cut = der.subarray(0, length);
    t.throws(() => readCertificate(cut, 'certificate'), { code: 'certificate-invalid' });
  }
  const longer = Buffer.concat([der, Buffer.of(0)]);
  t.throws(() => readCertificate(longer, 'certificate'), { code: 'certificate-invalid' });
});

t.test('an extension without its context tag is none', async (t) => {
  const odd = tagged(4, 'constructed', sequence());
  t.throws(() => readCertificate(odd, 'certificate'), { code: 'certificate-invalid' });
});

const der = certificate(base);
const lists: readonly (readonly [string, string, number | undefined])[] = [
  ['nothing', '', 0],
  ['white space', ' \n\t', 0],
  ['two of any label', `x\n${pem(der)}${pem(der, 'WHATEVER')}\n\n`, 2],
  ['text after the last', `${pem(der)}x`, undefined],
  ['a key among them', pem(der) + key.pem, undefined],
];

for (const [what, text, expected] of lists) {
  t.test(`a chain of ${what}`, async (t) => {
    const read = (): number => readCertificates(text, 'chain').length;
    if (expected === undefined) t.throws(read, { code: 'certificate-invalid' });
    else t.equal(read(), expected);
  });
}

t.test('anchors that are none are passed over, but one has to be there', async (t) => {
  const bad = pem(Buffer.from('x'));
  const labelled = pem(der, 'TRUSTED CERTIFICATE');
  t.equal(readAnchors(Buffer.from(bad + labelled + pem(der) + key.pem), 'CA').length, 1);
  t.throws(() => readAnchors(Buffer.from(bad + labelled), 'CA'), { code: 'certificate-invalid' });
});
