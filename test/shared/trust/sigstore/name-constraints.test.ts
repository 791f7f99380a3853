import t from 'tap';
import { readCertificate } from '../../../../shared/trust/sigstore/certificate.ts';
import { allowsNames } from '../../../../shared/trust/sigstore/name-constraints.ts';
import {
  certificate,
  ecKey,
  generalName,
  nameConstraints,
  subjectAltName,
} from '../../../support/certificates.ts';

const key = ecKey();
const { address, email, host, uri } = generalName;

function allows(
  permitted: readonly Uint8Array[],
  excluded: readonly Uint8Array[],
  name: Uint8Array,
): boolean {
  const read = (extension: Uint8Array) =>
    readCertificate(certificate({ key, signer: key, extensions: [extension] }), 'x').extensions;
  const constraints = read(nameConstraints(permitted, excluded)).nameConstraints;
  if (constraints === undefined) throw new Error('no constraints were read');
  return allowsNames(constraints, read(subjectAltName([name])).subjectNames);
}

const net = address(192, 0, 2, 0, 255, 255, 255, 0);
const cases: readonly (readonly [
  string,
  readonly Uint8Array[],
  readonly Uint8Array[],
  Uint8Array,
  boolean,
])[] = [
  ['a host of the domain', [host('example.com')], [], host('a.example.com'), true],
  ['the domain itself', [host('example.com')], [], host('EXAMPLE.com'), true],
  ['a domain that only ends alike', [host('example.com')], [], host('badexample.com'), false],
  ['the domain itself, subdomains meant', [host('.example.com')], [], host('example.com'), false],
  ['a subdomain, subdomains meant', [host('.example.com')], [], host('a.example.com'), true],
  ['any host', [host('')], [], host('a.test'), true],
  ['an excluded host', [], [host('example.com')], host('a.example.com'), false],
  ['a host beside the excluded', [], [host('example.com')], host('a.example.org'), true],
  ['a wildcard over an excluded host', [], [host('a.example.com')], host('*.example.com'), false],
  ['a wildcard beside an excluded host', [], [host('a.example.org')], host('*.example.com'), true],
  [
    'permitted and excluded',
    [host('example.com')],
    [host('a.example.com')],
    host('a.example.com'),
    false,
  ],
  ['a host that is no name', [email('a@example.com')], [], host('a..b'), false],
  ['an address of the domain', [email('example.com')], [], email('a@example.com'), true],
  ['an address of a subdomain', [email('example.com')], [], email('a@b.example.com'), true],
  ['an address elsewhere', [email('example.com')], [], email('a@example.org'), false],
  ['the exact mailbox', [email('a@example.com')], [], email('a@EXAMPLE.com'), true],
  ['a mailbox in another case', [email('a@example.com')], [], email('A@example.com'), false],
  ['an excluded mailbox', [], [email('a@example.com')], email('a@example.com'), false],
  ['an address without a host', [email('example.com')], [], email('a'), false],
  ['a URI of the domain', [uri('example.com')], [], uri('https://u@example.com:8080/x'), true],
  ['a URI elsewhere', [uri('example.com')], [], uri('https://example.org/x'), false],
  ['an excluded URI', [], [uri('example.com')], uri('https://example.com'), false],
  ['a URI without a host, permission needed', [uri('example.com')], [], uri('urn:x'), false],
  ['a URI without a host, exclusions alone', [], [uri('example.com')], uri('urn:x'), false],
  ['a URI with an address', [uri('example.com')], [], uri('https://192.0.2.1/'), false],
  ['an address of the network', [net], [], address(192, 0, 2, 7), true],
  ['an address of another', [net], [], address(192, 0, 3, 7), false],
  ['an address of another length', [net], [], address(...Array<number>(16).fill(0)), false],
  ['an excluded address', [], [net], address(192, 0, 2, 7), false],
  ['a host under constraints on addresses', [net], [], host('example.com'), true],
];

for (const [name, permitted, excluded, subject, expected] of cases) {
  t.test(`name constraints ${expected ? 'let' : 'do not let'} ${name} pass`, async (t) => {
    t.equal(allows(permitted, excluded, subject), expected);
  });
}
