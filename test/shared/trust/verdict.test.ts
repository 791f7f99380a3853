import { createHash } from 'node:crypto';
import t from 'tap';
import type { Policy, PolicyRequirement, SignedBy } from '../../../shared/trust/policy-types.ts';
import { evaluateImage, isUnenforced } from '../../../shared/trust/verdict.ts';
import type { CandidateImage, EvaluationContext } from '../../../shared/trust/verdict-types.ts';
import { fixture, REFERENCE } from '../../support/trust-fixtures.ts';

const NOW = Date.UTC(2027, 0, 1);
const manifest = fixture('manifest.json');
const sha256 = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const DIGEST = sha256(manifest);
const REPOSITORY = REFERENCE.replace(':v1', '');
const signature = (name: string) => fixture(`signatures/${name}`);

const context: EvaluationContext = {
  nowMs: NOW,
  readFile: async (path) => fixture(`keys/${path}`),
};
const signedBy = (keys: Partial<SignedBy>): SignedBy => ({
  type: 'signedBy',
  keyType: 'GPGKeys',
  signedIdentity: { type: 'matchRepoDigestOrExact' },
  ...keys,
});
const rsa = signedBy({ keyPath: 'rsa.asc' });
const ed25519 = signedBy({ keyPath: 'ed25519.pgp' });
const accept: PolicyRequirement = { type: 'insecureAcceptAnything' };
const reject: PolicyRequirement = { type: 'reject' };
const baseLayer: PolicyRequirement = {
  type: 'signedBaseLayer',
  baseLayerIdentity: { type: 'matchExact' },
};
const cosign: PolicyRequirement = {
  type: 'sigstoreSigned',
  keyData: 'AAAA',
  signedIdentity: { type: 'matchExact' },
};

function image(
  signatures: readonly Uint8Array[],
  change: Partial<CandidateImage> = {},
): CandidateImage {
  const named = { policyReference: REFERENCE, dockerReference: REFERENCE };
  return { transport: 'docker', ...named, manifest, signatures, ...change };
}

function policy(...requirements: readonly PolicyRequirement[]): Policy {
  return { default: [reject], transports: new Map([['docker', new Map([['', requirements]])]]) };
}

const good = signature('rsa-zip.sig');
const also = signature('ed25519.sig');
const md5 = signature('rsa-MD5.sig');
const unreadable = Buffer.from('-----BEGIN PGP MESSAGE-----');
const sigstore = Buffer.from('\0sigstore-json\n{"mimeType":"x","payload":"","annotations":{}}');
const brokenSigstore = Buffer.from('\0sigstore-json\nnot JSON');
const RSA_FINGERPRINT = /^[0-9A-F]{40}$/;

const verdicts = [
  ['nothing asked', [accept], [], undefined],
  ['everything rejected', [reject], [good], 'policy-reject'],
  ['rejection beside acceptance', [accept, reject], [], 'policy-reject'],
  ['base layers', [baseLayer], [good], 'not-implemented'],
  ['a good signature', [rsa], [good], undefined],
  ['no signature', [rsa], [], 'no-signature'],
  ['acceptance beside a missing signature', [accept, rsa], [], 'no-signature'],
  ['one signature for two requirements', [rsa, rsa], [good], undefined],
  ['two vendors, both signed', [rsa, ed25519], [good, also], undefined],
  ['two vendors, one signed', [rsa, ed25519], [good], 'openpgp-invalid'],
  ['a bad signature before a good one', [rsa], [md5, good], undefined],
  ['a good signature before a bad one', [rsa], [good, md5], undefined],
  ['two bad signatures', [rsa], [md5, md5], 'all-signatures-rejected'],
  [
    'a signature that was not judged beside a bad one',
    [signedBy({ keyPath: 'dsa1024.pgp' })],
    [signature('dsa1024-RIPEMD160.sig'), md5],
    'algorithm-unavailable',
  ],
  [
    'a key that cannot be judged here',
    [signedBy({ keyPath: 'dsa1024-RIPEMD160.pgp' })],
    [good],
    'algorithm-unavailable',
  ],
  ['a sigstore signature alone', [rsa], [sigstore], 'no-signature'],
  ['a sigstore signature beside', [rsa], [sigstore, good], undefined],
  ['an unrecognisable signature beside a good one', [rsa], [good, unreadable], 'blob-format'],
  ['an empty signature beside a good one', [rsa], [good, Buffer.alloc(0)], 'blob-format'],
  ['a sigstore signature that is no JSON', [rsa], [good, brokenSigstore], 'blob-format'],
  ['an unrecognisable signature nobody asks for', [accept], [unreadable], undefined],
  ['an unrecognisable signature after a rejection', [reject, rsa], [unreadable], 'policy-reject'],
  ['an unrecognisable signature before a rejection', [rsa, reject], [unreadable], 'blob-format'],
  ['a simple signature where sigstore is asked', [cosign], [good], 'no-signature'],
  ['an armored signature', [rsa], [signature('rsa-armored.asc')], 'blob-format'],
  [
    'an armored signature in the explicit form',
    [rsa],
    [Buffer.concat([Buffer.from('\0simple-signing\n'), signature('rsa-armored.asc')])],
    undefined,
  ],
  ['a detached signature', [rsa], [signature('rsa-detached.sig')], 'openpgp-signature-count'],
  [
    'two signers in one',
    [signedBy({ keyPath: 'two-armored.asc' })],
    [signature('two-signers.sig')],
    'openpgp-signature-count',
  ],
  ['content that is no JSON', [rsa], [signature('rsa-not-json.sig')], 'payload-invalid'],
  ['a digest of SHA-512', [rsa], [signature('rsa-sha512-digest.sig')], 'digest-mismatch'],
  ['another repository', [rsa], [signature('rsa-other-repository.sig')], 'identity-mismatch'],
  ['a signed name without a tag', [rsa], [signature('rsa-no-tag.sig')], 'identity-mismatch'],
  ['a key that is not there', [signedBy({ keyPath: 'none.asc' })], [good], 'key-unreadable'],
  [
    'a key that is not there, and no signature',
    [signedBy({ keyPath: 'none.asc' })],
    [],
    'no-signature',
  ],
  [
    'several keys, one not there',
    [signedBy({ keyPaths: ['rsa.asc', 'none.asc'] })],
    [good],
    'key-unreadable',
  ],
  ['several keys', [signedBy({ keyPaths: ['ed25519.pgp', 'rsa.asc'] })], [good], undefined],
  ['an empty list of keys', [signedBy({ keyPaths: [] })], [good], 'no-usable-keys'],
  [
    'a key within the policy',
    [signedBy({ keyData: fixture('keys/rsa.pgp').toString('base64') })],
    [good],
    undefined,
  ],
  [
    'an armored key within the policy',
    [signedBy({ keyData: fixture('keys/rsa.asc').toString('base64') })],
    [good],
    undefined,
  ],
  ['an empty key within the policy', [signedBy({ keyData: '' })], [good], 'no-usable-keys'],
  ['a key that is no base64', [signedBy({ keyData: '*' })], [good], 'key-invalid'],
  [
    'a binary key followed by armor',
    [signedBy({ keyPath: 'binary-then-armored.mixed' })],
    [good],
    'no-usable-keys',
  ],
  [
    'certificates for keys',
    [signedBy({ keyPath: 'rsa.asc', keyType: 'X509Certificates' })],
    [good],
    'unsupported-key-type',
  ],
] as const;

for (const [name, requirements, signatures, reason] of verdicts) {
  t.test(`an image with ${name} is ${reason ?? 'allowed'}`, async (t) => {
    const verdict = await evaluateImage(image(signatures), policy(...requirements), context);
    t.equal(verdict.allowed, reason === undefined);
    t.equal(verdict.reason, reason);
    t.equal(verdict.requirements.length, requirements.length, 'every requirement is answered');
    if (reason !== undefined) t.type(verdict.message, 'string');
  });
}

t.test('a verdict says who signed, what was claimed, and which keys were asked for', async (t) => {
  const verdict = await evaluateImage(image([md5, good, also]), policy(rsa, ed25519), context);
  t.match(verdict, {
    allowed: true,
    scope: { section: 'scope', transport: 'docker', scope: '' },
    signedBy: [RSA_FINGERPRINT, RSA_FINGERPRINT],
    requirements: [
      {
        satisfied: true,
        keys: [RSA_FINGERPRINT],
        signatures: [
          { index: 0, accepted: false, reason: 'openpgp-invalid', signedReference: REFERENCE },
          { index: 1, accepted: true, signedReference: REFERENCE, signedDigest: DIGEST },
          { index: 2, accepted: false, reason: 'openpgp-invalid' },
        ],
      },
      {
        satisfied: true,
        signatures: [{ accepted: false }, { accepted: false }, { accepted: true }],
      },
    ],
  });
  t.not(verdict.signedBy[0], verdict.signedBy[1]);
  const unsigned = await evaluateImage(image([]), policy(rsa), context);
  t.same(
    unsigned.requirements[0]?.keys,
    verdict.requirements[0]?.keys,
    'keys are named without a signature too',
  );
});

t.test('only plain acceptance is unenforced', async (t) => {
  const unenforced = async (requirements: readonly PolicyRequirement[], signatures = [good]) =>
    isUnenforced(await evaluateImage(image(signatures), policy(...requirements), context));
  t.equal(await unenforced([accept]), true);
  t.equal(await unenforced([accept, accept]), true);
  t.equal(await unenforced([rsa]), false);
  t.equal(await unenforced([accept, rsa]), false);
  t.equal(await unenforced([reject]), false);
  t.equal(await unenforced([accept, rsa], []), false);
});

t.test('a signing subkey counts for its primary key, and before 5.37.0 not at all', async (t) => {
  const requirement = signedBy({ keyPath: 'subkey.pgp' });
  const judge = (signingSubkeys?: boolean) =>
    evaluateImage(image([signature('subkey.sig')]), policy(requirement), {
      ...context,
      ...(signingSubkeys === undefined ? {} : { signingSubkeys }),
    });
  const verdict = await judge();
  t.equal(verdict.allowed, true);
  t.same(verdict.signedBy, verdict.requirements[0]?.keys, 'the signer is the primary key');
  t.match(await judge(true), { allowed: true });
  t.match(await judge(false), { allowed: false, reason: 'openpgp-invalid' });
});

t.test('an image meant by digest has to have that manifest', async (t) => {
  const byDigest = (digest: string, change: Partial<CandidateImage> = {}) => {
    const reference = `${REPOSITORY}@${digest}`;
    return image([good], { policyReference: reference, dockerReference: reference, ...change });
  };
  t.match(await evaluateImage(byDigest(DIGEST), policy(rsa), context), { allowed: true });
  const other = byDigest(sha256(Buffer.from('other')));
  const mismatch = { allowed: false, reason: 'reference-digest-mismatch' };
  t.match(await evaluateImage(other, policy(rsa), context), mismatch);
  t.match(await evaluateImage(other, policy(accept), context), mismatch, 'whatever the policy');
  const index = (digest: string) =>
    Buffer.from(
      JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: 'x', size: 1, digest }] }),
    );
  const list = index(DIGEST);
  const chosen = byDigest(sha256(list), { list });
  t.match(
    await evaluateImage(chosen, policy(rsa), context),
    { allowed: true },
    'by the digest of its list',
  );
  t.match(
    await evaluateImage(byDigest(sha256(list)), policy(rsa), context),
    mismatch,
    'without the list',
  );
  t.match(
    await evaluateImage(byDigest(DIGEST, { list }), policy(rsa), context),
    mismatch,
    'a list of another digest',
  );
  const stranger = index(sha256(Buffer.from('other')));
  t.match(
    await evaluateImage(byDigest(sha256(stranger), { list: stranger }), policy(rsa), context),
    mismatch,
    'of a list without it',
  );
  const broken = Buffer.from('no list');
  t.match(await evaluateImage(byDigest(sha256(broken), { list: broken }), policy(rsa), context), {
    allowed: false,
    reason: 'manifest-error',
  });
});

t.test('an image without a Docker reference matches exact rules only', async (t) => {
  const { dockerReference: _, ...unnamed } = image([good], {
    transport: 'dir',
    policyReference: '/img',
  });
  const judge = (signedIdentity: SignedBy['signedIdentity']) =>
    evaluateImage(
      unnamed,
      { default: [{ ...rsa, signedIdentity }], transports: new Map() },
      context,
    );
  t.match(await judge({ type: 'matchRepository' }), { reason: 'identity-mismatch' });
  t.match(await judge({ type: 'exactReference', dockerReference: REFERENCE }), { allowed: true });
  t.match(await judge({ type: 'exactRepository', dockerRepository: REPOSITORY }), {
    allowed: true,
  });
});

t.test('a schema 1 manifest whose own signatures are broken cannot be matched', async (t) => {
  const broken = Buffer.from('{"schemaVersion":1,"signatures":[1]}');
  t.match(await evaluateImage(image([good], { manifest: broken }), policy(rsa), context), {
    allowed: false,
    reason: 'manifest-error',
  });
});

t.test('the default speaks where no scope does', async (t) => {
  const none: Policy = { default: [rsa], transports: new Map() };
  t.match(await evaluateImage(image([good]), none, context), {
    allowed: true,
    scope: { section: 'default' },
  });
});
