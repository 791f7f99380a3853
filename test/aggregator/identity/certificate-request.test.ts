import { execFileSync } from 'node:child_process';
import { sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { certificateRequest, makeKey } from '../../../agent/identity/certificate-request.ts';
import { readCertificateRequest } from '../../../aggregator/identity/certificate-request.ts';
import { ecKey, ed25519Key, name, pem, rsaKey, type TestKey } from '../../support/certificates.ts';
import {
  bitString,
  integer,
  objectIdentifier,
  sequence,
  tagged,
  utf8String,
} from '../../support/der.ts';

const LABEL = 'CERTIFICATE REQUEST';
const ECDSA = sequence(objectIdentifier('1.2.840.10045.4.3.2'));
const NONE = Buffer.alloc(0);

interface Change {
  readonly key?: TestKey;
  readonly signer?: TestKey;
  readonly spki?: Uint8Array;
  readonly version?: number;
  readonly attributes?: Uint8Array;
  readonly algorithm?: Uint8Array;
  readonly hash?: string | null;
}

function made({ key = ecKey(), signer = key, ...change }: Change): string {
  const info = sequence(
    integer(change.version ?? 0),
    name('node'),
    change.spki ?? key.publicKey.export({ format: 'der', type: 'spki' }),
    tagged(0, 'constructed', change.attributes ?? NONE),
  );
  const hash = change.hash === undefined ? 'sha256' : change.hash;
  const signature = sign(hash, info, signer.privateKey);
  return pem(sequence(info, change.algorithm ?? ECDSA, bitString(signature)), LABEL);
}

/** An extension request (RFC 2985 §5.4.2): basicConstraints CA:true, another's name. */
const extensions = sequence(
  objectIdentifier('1.2.840.113549.1.9.14'),
  Buffer.concat([Buffer.of(0x31, 0)]),
);
const challenge = sequence(
  objectIdentifier('1.2.840.113549.1.9.7'),
  Buffer.concat([Buffer.of(0x31, 3), utf8String('x')]),
);
const offCurve = (): Uint8Array => {
  const spki = Buffer.from(ecKey().publicKey.export({ format: 'der', type: 'spki' }));
  spki[spki.length - 1] = (spki.at(-1) ?? 0) ^ 1;
  return spki;
};

t.test('a request of the agent is one that OpenSSL verifies, and names only its key', async (t) => {
  const folder = t.testdir();
  const file = join(folder, 'csr.pem');
  const key = makeKey();
  writeFileSync(file, certificateRequest(key));
  execFileSync('openssl', ['req', '-in', file, '-verify', '-noout'], { stdio: 'pipe' });
  const { spki } = readCertificateRequest(readFileSync(file, 'utf8'));
  const made = execFileSync('openssl', ['req', '-in', file, '-noout', '-pubkey']).toString();
  t.equal(made.replace(/-----.*-----|\n/g, ''), spki.toString('base64'));
});

t.test('a request that OpenSSL makes is understood', async (t) => {
  const folder = t.testdir();
  const [file, keyFile] = [join(folder, 'csr.pem'), join(folder, 'key.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-sha256'];
  const names = ['-subj', '/CN=admin', '-keyout', keyFile, '-out', file];
  execFileSync('openssl', ['req', '-new', ...curve, ...names], { stdio: 'ignore' });
  t.match(readCertificateRequest(readFileSync(file, 'utf8')), { keySha256: /^[0-9a-f]{64}$/ });
});

const good = made({});
const der = Buffer.from(good.replace(/-----.*-----/g, ''), 'base64');
const refused: readonly (readonly [string, string, string])[] = [
  ['is empty', '', 'ERR_CSR_SYNTAX'],
  ['is a certificate', good.replaceAll(LABEL, 'CERTIFICATE'), 'ERR_CSR_SYNTAX'],
  ['is two', good + good, 'ERR_CSR_SYNTAX'],
  ['is binary', der.toString('latin1'), 'ERR_CSR_SYNTAX'],
  ['is huge', made({ attributes: Buffer.alloc(1_000_000) }), 'ERR_CSR_SYNTAX'],
  ['goes on after its end', pem(Buffer.concat([der, Buffer.of(0)]), LABEL), 'ERR_CSR_SYNTAX'],
  ['is of another version', made({ version: 1 }), 'ERR_CSR_SYNTAX'],
  ['is for P-384', made({ key: ecKey('P-384') }), 'ERR_CSR_KEY'],
  ['is for secp256k1', made({ key: ecKey('secp256k1') }), 'ERR_CSR_KEY'],
  ['is for RSA', made({ key: rsaKey() }), 'ERR_CSR_KEY'],
  ['is for Ed25519', made({ key: ed25519Key(), hash: null }), 'ERR_CSR_KEY'],
  ['is for a point off the curve', made({ spki: offCurve() }), 'ERR_CSR_KEY'],
  ['is for nothing', made({ spki: sequence() }), 'ERR_CSR_KEY'],
  ['asks for extensions', made({ attributes: extensions }), 'ERR_CSR_ATTRIBUTES'],
  ['has a challenge', made({ attributes: challenge }), 'ERR_CSR_ATTRIBUTES'],
  ['is signed by another key', made({ signer: ecKey() }), 'ERR_CSR_SIGNATURE'],
  ['is signed with SHA-1', made({ hash: 'sha1' }), 'ERR_CSR_SIGNATURE'],
  [
    'says another algorithm',
    made({ algorithm: sequence(objectIdentifier('1.2.840.10045.4.1')) }),
    'ERR_CSR_SIGNATURE',
  ],
];
for (const [name, text, code] of refused) {
  t.test(`a request that ${name} is refused`, async (t) => {
    t.throws(() => readCertificateRequest(text), { code });
  });
}

t.test('a request cut at any byte, or with any byte changed, is refused', async (t) => {
  const codes = ['ERR_CSR_SYNTAX', 'ERR_CSR_KEY', 'ERR_CSR_SIGNATURE', 'ERR_CSR_ATTRIBUTES'];
  const codeOf = (bytes: Buffer): string => {
    try {
      readCertificateRequest(pem(bytes, LABEL));
      return 'taken';
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  const found = new Set<string>();
  for (let at = 0; at < der.length; at++) {
    found.add(codeOf(der.subarray(0, at)));
    const changed = Buffer.from(der);
    changed[at] = (changed[at] ?? 0) ^ 0x55;
    found.add(codeOf(changed));
  }
  t.same(
    [...found].filter((code) => !codes.includes(code)),
    [],
  );
});
