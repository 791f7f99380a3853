import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import t from 'tap';
import { enrol } from '../../agent/enrol.ts';
import {
  basicConstraints,
  type CertificateOptions,
  CODE_SIGNING,
  certificate,
  ecKey,
  extendedKeyUsage,
  generalName,
  nameConstraints,
  pem,
  SERVER_AUTH,
  subjectAltName,
  type TestKey,
} from '../support/certificates.ts';

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const PAST = new Date('2021-01-01T00:00:00Z');
const HERE = subjectAltName([generalName.address(127, 0, 0, 1)]);
const FOR_SERVERS = extendedKeyUsage(SERVER_AUTH);
const [root, key] = [ecKey(), ecKey()];

function authority(change: Partial<CertificateOptions> = {}): Buffer {
  const common = { key: root, signer: root, subject: 'root', issuer: 'root' };
  return certificate({ ...common, extensions: [basicConstraints(true)], ...change });
}

function leaf(change: Partial<CertificateOptions> = {}): Buffer {
  const common = { key, signer: root, subject: 'server', issuer: 'root' };
  return certificate({ ...common, extensions: [HERE, FOR_SERVERS], ...change });
}

/** A certificate for whom another signed that is no authority. */
function belowALeaf(other: TestKey): string {
  const named = { subject: 'leaf', extensions: [basicConstraints(false), HERE, FOR_SERVERS] };
  const above = leaf({ ...named, key: other });
  return pem(leaf({ signer: other, issuer: 'leaf' })) + pem(above);
}

const named = (...names: readonly Uint8Array[]): Partial<CertificateOptions> => ({
  extensions: [subjectAltName(names), FOR_SERVERS],
});
const THIS_NET = generalName.address(127, 0, 0, 0, 255, 0, 0, 0);

/** What stands at the aggregator's address with our authority's signature, and is not the aggregator. */
const CASES: readonly (readonly [name: string, shown: string, ca: Buffer, says: RegExp])[] = [
  ['that ran out', pem(leaf({ notAfter: PAST })), authority(), /expired/],
  ['of the future', pem(leaf({ notBefore: new Date('2050-01-01') })), authority(), /not yet valid/],
  [
    'of an authority that ran out',
    pem(leaf()),
    authority({ notAfter: PAST }),
    /expired|unable to verify/,
  ],
  [
    'for clients: a node’s own',
    pem(leaf({ extensions: [HERE, extendedKeyUsage(CLIENT_AUTH)] })),
    authority(),
    /purpose/,
  ],
  [
    'for signing code',
    pem(leaf({ extensions: [HERE, extendedKeyUsage(CODE_SIGNING)] })),
    authority(),
    /purpose/,
  ],
  [
    'of another place',
    pem(leaf(named(generalName.host('other.test')))),
    authority(),
    /127\.0\.0\.1/,
  ],
  [
    'whose name is written before a NUL',
    pem(leaf(named(generalName.host('127.0.0.1\0.evil.test')))),
    authority(),
    /127\.0\.0\.1/,
  ],
  [
    'of an address in the name of a host',
    pem(leaf(named(generalName.host('127.0.0.1')))),
    authority(),
    /127\.0\.0\.1/,
  ],
  [
    'of a name that only looks alike',
    pem(leaf(named(generalName.uri('https://127.0.0.1'), generalName.email('a@127.0.0.1')))),
    authority(),
    /127\.0\.0\.1/,
  ],
  [
    'that says its name nowhere but in the subject',
    pem(leaf({ subject: '127.0.0.1', extensions: [FOR_SERVERS] })),
    authority(),
    /127\.0\.0\.1|purpose/,
  ],
  [
    'of an authority that may not speak for this place',
    pem(leaf()),
    authority({ extensions: [basicConstraints(true), nameConstraints([], [THIS_NET])] }),
    /excluded|permitted|constraint/i,
  ],
  [
    'of an authority for another place alone',
    pem(leaf()),
    authority({
      extensions: [
        basicConstraints(true),
        nameConstraints([generalName.address(10, 0, 0, 0, 255, 0, 0, 0)], []),
      ],
    }),
    /permitted|constraint/i,
  ],
  ['signed by one that is no authority', belowALeaf(ecKey()), authority(), /invalid CA|purpose/],
  ['signed by itself', pem(leaf({ signer: key, issuer: 'server' })), authority(), /self.signed/],
];

t.test('a join token goes to no server with a certificate', async (t) => {
  const folder = t.testdir({ join: `nsj_0123456789abcdef.${'x'.repeat(43)}\n` });
  const secret = key.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  let received = '';
  const server = createServer({ key: secret, cert: pem(leaf()) }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      received += bytes;
      socket.end('HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}');
    });
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo; // it listens on a port
  const link = {
    url: `https://127.0.0.1:${port}`,
    tokenFile: join(folder, 'token'),
    joinTokenFile: join(folder, 'join'),
    caFile: join(folder, 'ca.crt'),
    allowPlain: false,
  };
  for (const [name, cert, ca, says] of CASES) {
    server.setSecureContext({ key: secret, cert });
    writeFileSync(link.caFile, pem(ca));
    await t.rejects(enrol(link, 'node-1', undefined), { message: says }, name);
    t.equal(received, '', `${name}: nothing is sent to it`);
  }
  server.setSecureContext({ key: secret, cert: pem(leaf()) });
  writeFileSync(link.caFile, pem(authority()));
  await t.rejects(enrol(link, 'node-1', undefined), { code: 'ERR_ENROL_ANSWER' });
  t.match(received, /nsj_0123456789abcdef/, 'but to the one that is right');
});
