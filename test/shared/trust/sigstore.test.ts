import { sign } from 'node:crypto';
import t from 'tap';
import { sha256 } from '../../../shared/canonical.ts';
import type { SigstoreSigned } from '../../../shared/trust/policy-types.ts';
import { readSignatureBlob } from '../../../shared/trust/signature-blob.ts';
import { evaluateSigstoreSigned } from '../../../shared/trust/sigstore.ts';
import type { CandidateImage, RequirementVerdict } from '../../../shared/trust/verdict-types.ts';
import { ecKey, ed25519Key, rsaKey, type TestKey } from '../../support/certificates.ts';
import {
  ANNOTATION,
  keySigned,
  MANIFEST,
  payloadOf,
  REFERENCE,
  signPayload,
  stored,
  storedBlob,
} from '../../support/sigstore.ts';

const p256 = ecKey();
const other = ecKey();

const image: CandidateImage = {
  transport: 'docker',
  policyReference: REFERENCE,
  dockerReference: REFERENCE,
  manifest: MANIFEST,
  signatures: [],
};

async function judge(
  requirement: Partial<SigstoreSigned>,
  signatures: readonly Uint8Array[],
  about: Partial<CandidateImage> = {},
): Promise<RequirementVerdict> {
  const full: SigstoreSigned = {
    type: 'sigstoreSigned',
    signedIdentity: { type: 'matchRepoDigestOrExact' },
    ...requirement,
  };
  return await evaluateSigstoreSigned(
    full,
    { ...image, ...about },
    signatures.map(readSignatureBlob),
    {
      readFile: async (path) => {
        const content = files.get(path);
        if (content === undefined) throw new Error(`no file ${path}`);
        return Buffer.from(content);
      },
      nowMs: Date.now(),
    },
  );
}

const files = new Map([
  ['p256', p256.pem],
  ['other', other.pem],
  ['empty', ''],
]);

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function outcome({ satisfied, reason }: RequirementVerdict): string | undefined {
  return satisfied ? 'accepted' : reason;
}

function withAnnotation(signature: string, payload: Buffer = payloadOf()): Buffer {
  return storedBlob(payload, { [ANNOTATION.signature]: signature });
}

const good = signPayload(p256, payloadOf()).toString('base64');

const keys: readonly (readonly [string, TestKey, string])[] = [
  ['P-224', ecKey('P-224'), 'accepted'],
  ['P-256', p256, 'accepted'],
  ['P-384', ecKey('P-384'), 'accepted'],
  ['P-521', ecKey('P-521'), 'accepted'],
  ['RSA 2048', rsaKey(), 'accepted'],
  ['RSA 1024', rsaKey(1024), 'accepted'],
  ['RSA 512', rsaKey(512), 'signature-invalid'],
  ['Ed25519', ed25519Key(), 'accepted'],
  ['secp256k1', ecKey('secp256k1'), 'key-invalid'],
];

for (const [name, key, expected] of keys) {
  t.test(`a signature by a key ${name} is ${expected}`, async (t) => {
    const verdict = await judge({ keyData: base64(key.pem) }, [keySigned(key)]);
    t.equal(outcome(verdict), expected);
  });
}

t.test('an accepted signature says who signed what', async (t) => {
  const spki = p256.publicKey.export({ format: 'der', type: 'spki' });
  const verdict = await judge({ keyPath: 'p256' }, [keySigned(p256)]);
  t.match(verdict, {
    satisfied: true,
    keys: [sha256(spki)],
    signatures: [
      {
        index: 0,
        format: 'sigstore-json',
        accepted: true,
        signer: sha256(spki),
        signedReference: REFERENCE,
        signedDigest: sha256(MANIFEST),
      },
    ],
  });
});

// Trap 30: SHA-256 for every key, no PSS, r and s side by side besides DER.
const p384 = ecKey('P-384');
const rsa = rsaKey();
const raw = sign('sha256', payloadOf(), { key: p256.privateKey, dsaEncoding: 'ieee-p1363' });
const pss = sign('sha256', payloadOf(), { key: rsa.privateKey, padding: 6, saltLength: 32 });
const shapes: readonly (readonly [string, TestKey, Buffer, string])[] = [
  ['r and s side by side', p256, raw, 'accepted'],
  ['r and s with leading zeros', p256, widened(raw), 'accepted'],
  ['r and s of 134 bytes', p256, Buffer.concat([raw, Buffer.alloc(70)]), 'signature-invalid'],
  ['r and s of odd length', p256, raw.subarray(1), 'signature-invalid'],
  ['r and s of zero', p256, Buffer.alloc(64), 'signature-invalid'],
  ['SHA-384 on P-384', p384, signPayload(p384, payloadOf(), 'sha384'), 'signature-invalid'],
  ['RSA-PSS', rsa, pss, 'signature-invalid'],
  ['PKCS #1 with SHA-512', rsa, signPayload(rsa, payloadOf(), 'sha512'), 'signature-invalid'],
  ['no bytes', p256, Buffer.alloc(0), 'signature-invalid'],
  [
    'a byte after the DER',
    p256,
    Buffer.concat([signPayload(p256, payloadOf()), Buffer.of(0)]),
    'signature-invalid',
  ],
];

/** The same numbers on 66 bytes each. */
function widened(signature: Buffer): Buffer {
  const zeros = Buffer.alloc(34);
  return Buffer.concat([zeros, signature.subarray(0, 32), zeros, signature.subarray(32)]);
}

for (const [name, key, signature, expected] of shapes) {
  t.test(`a signature of ${name} is ${expected}`, async (t) => {
    const blob = withAnnotation(signature.toString('base64'));
    t.equal(outcome(await judge({ keyData: base64(key.pem) }, [blob])), expected);
  });
}

// Trap 31: Base64 with padding, line feeds skipped, no blanks, no URL alphabet.
const encodings: readonly (readonly [string, string, string])[] = [
  ['with a line feed inside', `${good.slice(0, 20)}\r\n${good.slice(20)}`, 'accepted'],
  ['with a blank inside', `${good.slice(0, 20)} ${good.slice(20)}`, 'signature-invalid'],
  ['without padding', raw.toString('base64').replace(/=+$/, ''), 'signature-invalid'],
  ['in the URL alphabet', urlSafe(), 'signature-invalid'],
  ['with more after it', `${good}====`, 'signature-invalid'],
];

/** A signature whose base64 has one of the two letters that differ. */
function urlSafe(): string {
  for (;;) {
    const text = signPayload(p256, payloadOf()).toString('base64');
    if (/[+/]/.test(text)) return text.replaceAll('+', '-').replaceAll('/', '_');
  }
}

for (const [name, signature, expected] of encodings) {
  t.test(`base64 ${name} is ${expected}`, async (t) => {
    t.equal(outcome(await judge({ keyPath: 'p256' }, [withAnnotation(signature)])), expected);
  });
}

// Trap 29: optional has to be there and may be null here; the rest is as strict as in simple signing.
const digest384 = `sha384:${'a'.repeat(96)}`;
const payloads: readonly (readonly [string, Buffer, string])[] = [
  ['null as optional', payloadOf(), 'accepted'],
  ['an object as optional', payloadOf({ optional: { creator: 'x', timestamp: 1 } }), 'accepted'],
  ['no optional', payloadOf({ optional: undefined }), 'payload-invalid'],
  ['a list as optional', payloadOf({ optional: [] }), 'payload-invalid'],
  ['a number as creator', payloadOf({ optional: { creator: 1 } }), 'payload-invalid'],
  ['half a second', payloadOf({ optional: { timestamp: 1.5 } }), 'payload-invalid'],
  [
    'the type of simple signing',
    payloadOf({ type: 'atomic container signature' }),
    'payload-invalid',
  ],
  ['a digest of another manifest', payloadOf({ digest: sha256('x') }), 'digest-mismatch'],
  ['a digest that is never sha256', payloadOf({ digest: digest384 }), 'digest-mismatch'],
  ['a digest that is none', payloadOf({ digest: 'sha256:12' }), 'payload-invalid'],
  [
    'another repository',
    payloadOf({ reference: 'registry.example.com/x:v1' }),
    'identity-mismatch',
  ],
  ['no tag', payloadOf({ reference: 'registry.example.com/team/app' }), 'identity-mismatch'],
  ['text that is no JSON', Buffer.from('{'), 'payload-invalid'],
  ['two documents', Buffer.concat([payloadOf(), payloadOf()]), 'payload-invalid'],
];

for (const [name, payload, expected] of payloads) {
  t.test(`a payload with ${name} is ${expected}`, async (t) => {
    t.equal(outcome(await judge({ keyPath: 'p256' }, [keySigned(p256, payload)])), expected);
  });
}

t.test('a payload that was changed after signing is refused, its claims untrusted', async (t) => {
  const blob = withAnnotation(good, payloadOf({ reference: 'registry.example.com/evil:v1' }));
  const verdict = await judge({ keyPath: 'p256' }, [blob]);
  t.equal(outcome(verdict), 'signature-invalid');
  t.match(verdict.signatures, [
    { accepted: false, signedReference: 'registry.example.com/evil:v1', signer: undefined },
  ]);
});

t.test('cosign signs the repository alone, which only matchRepository accepts', async (t) => {
  const blob = keySigned(p256, payloadOf({ reference: 'registry.example.com/team/app' }));
  const signedIdentity = { type: 'matchRepository' } as const;
  t.equal(outcome(await judge({ keyPath: 'p256', signedIdentity }, [blob])), 'accepted');
});

t.test('an image without a Docker reference matches no intended identity', async (t) => {
  const { dockerReference: _, ...nameless } = image;
  const verdict = await evaluateSigstoreSigned(
    { type: 'sigstoreSigned', keyPath: 'p256', signedIdentity: { type: 'matchExact' } },
    nameless,
    [readSignatureBlob(keySigned(p256))],
    { readFile: async () => Buffer.from(p256.pem), nowMs: Date.now() },
  );
  t.equal(outcome(verdict), 'identity-mismatch');
});

// Trap 35: one unusable key spoils the requirement though another would verify.
const sources: readonly (readonly [string, Partial<SigstoreSigned>, string])[] = [
  ['any of several files', { keyPaths: ['other', 'p256'] }, 'accepted'],
  ['any of several texts', { keyDatas: [base64(other.pem), base64(p256.pem)] }, 'accepted'],
  ['the wrong file', { keyPath: 'other' }, 'signature-invalid'],
  ['one file of two missing', { keyPaths: ['p256', 'missing'] }, 'key-unreadable'],
  ['one file of two empty', { keyPaths: ['p256', 'empty'] }, 'key-invalid'],
  ['one text of two empty', { keyDatas: [base64(p256.pem), ''] }, 'key-invalid'],
  ['a text that is no base64', { keyData: '*' }, 'key-invalid'],
  ['no key at all', {}, 'key-invalid'],
  ['a log key missing', { keyPath: 'p256', rekorPublicKeyPath: 'missing' }, 'key-unreadable'],
  ['a log key of RSA', { keyPath: 'p256', rekorPublicKeyData: base64(rsa.pem) }, 'key-invalid'],
];

for (const [name, requirement, expected] of sources) {
  t.test(`a requirement with ${name} is ${expected}`, async (t) => {
    const verdict = await judge(requirement, [keySigned(p256)]);
    t.equal(outcome(verdict), expected);
    t.equal(verdict.keys.length > 0, !['key-invalid', 'key-unreadable'].includes(expected));
  });
}

t.test('keys are not opened for an image without signatures', async (t) => {
  t.equal(outcome(await judge({ keyPath: 'missing' }, [])), 'no-signature');
});

const simple = Buffer.from([0x90, 0x0d]);
const attachment = storedBlob(Buffer.from('{}'), {}, 'application/vnd.in-toto+json');
const modified = withAnnotation(good, payloadOf({ reference: 'x.example.com/y:z' }));
const sets: readonly (readonly [string, readonly Uint8Array[], string, string?])[] = [
  ['none', [], 'no-signature'],
  [
    'a simple one and an attestation',
    [simple, attachment],
    'no-signature',
    '1 simple signature, 1 other',
  ],
  ['an attestation and a good one', [attachment, keySigned(p256)], 'accepted'],
  ['a bad one and a good one', [modified, keySigned(p256)], 'accepted'],
  ['two bad ones', [modified, modified], 'all-signatures-rejected', 'none of 2'],
  ['one without annotations', [storedBlob(payloadOf(), {})], 'annotation-missing'],
  ['a good one and one that is no JSON', [keySigned(p256), stored('{')], 'blob-format'],
];

for (const [name, blobs, expected, message = ''] of sets) {
  t.test(`an image with signatures: ${name}, is ${expected}`, async (t) => {
    const verdict = await judge({ keyPath: 'p256' }, blobs);
    t.equal(outcome(verdict), expected);
    t.ok((verdict.message ?? '').includes(message), `says ${message}`);
  });
}

t.test('a manifest whose digest cannot be told refuses a good signature', async (t) => {
  const manifest = Buffer.from('{"schemaVersion":1,"signatures":[{"protected":"!"}]}');
  t.equal(
    outcome(await judge({ keyPath: 'p256' }, [keySigned(p256)], { manifest })),
    'manifest-error',
  );
});
