import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadKeys } from '../../../shared/trust/openpgp/keys.ts';
import { verifySignature } from '../../../shared/trust/verify-signature.ts';
import { sharedDir } from '../../support/shared.ts';
import { fixture, keyringOf, REFERENCE } from '../../support/trust-fixtures.ts';

const nowMs = Date.UTC(2027, 0, 1);
const manifest = fixture('manifest.json');
const digest = `sha256:${createHash('sha256').update(manifest).digest('hex')}`;
const prefixed = (format: string, data: Uint8Array) =>
  Buffer.concat([Buffer.from(`\0${format}\n`), data]);
const good = fixture('signatures/rsa-zip.sig');

const questions = [
  ['as stored', good, {}, undefined],
  ['by the digest of its manifest', good, { manifest: { digest } }, undefined],
  ['under its name', good, { expectedReference: REFERENCE }, undefined],
  ['in the explicit form', prefixed('simple-signing', good), {}, undefined],
  ['armored', fixture('signatures/rsa-armored.asc'), {}, undefined],
  ['under another tag', good, { expectedReference: `${REFERENCE}2` }, 'identity-mismatch'],
  [
    'under its name without the tag',
    good,
    { expectedReference: REFERENCE.replace(':v1', '') },
    'identity-mismatch',
  ],
  ['under what is no name', good, { expectedReference: 'NO NAME' }, 'identity-mismatch'],
  ['for another manifest', good, { manifest: Buffer.from('{}') }, 'digest-mismatch'],
  [
    'for another digest',
    good,
    { manifest: { digest: `sha256:${'0'.repeat(64)}` } },
    'digest-mismatch',
  ],
  [
    'for a manifest without a digest',
    good,
    { manifest: Buffer.from('{"schemaVersion":1,"signatures":1}') },
    'manifest-error',
  ],
  ['before its key existed', good, { nowMs: 0 }, 'openpgp-invalid'],
  ['as a sigstore signature', prefixed('sigstore-json', Buffer.from('{}')), {}, 'blob-format'],
  ['of an unknown format', prefixed('other', good), {}, 'blob-format'],
  ['that is garbage', Buffer.from([0xff, 1, 2]), {}, 'openpgp-invalid'],
  ['that is empty', Buffer.alloc(0), {}, 'openpgp-invalid'],
  ['whose content is no claim', fixture('signatures/rsa-not-json.sig'), {}, 'payload-invalid'],
] as const;

for (const [name, signature, change, reason] of questions) {
  t.test(`a signature ${name} is ${reason ?? 'accepted'}`, async (t) => {
    const keys = await keyringOf('rsa.asc');
    const answer = verifySignature({ manifest, keys, signature, nowMs, ...change });
    t.equal(answer.accepted, reason === undefined);
    if (answer.accepted) {
      t.match(answer, { fingerprint: /^[0-9A-F]{40}$/, digest, reference: REFERENCE });
    } else {
      t.equal(answer.reason, reason);
      t.not(answer.message, '');
    }
  });
}

t.test('what a refused signature claims is told apart from what is verified', async (t) => {
  const keys = await keyringOf('ed25519.pgp');
  const answer = verifySignature({ manifest, keys, signature: good, nowMs });
  t.match(answer, { accepted: false, untrustedClaims: { digest, reference: REFERENCE } });
  t.notHas(answer, { digest: String }, 'nothing that looks verified');
});

const redhat = sharedDir();
t.test(
  'a real signature of Red Hat, of packet version 3, verifies by the digest alone',
  { skip: redhat === undefined && 'needs the Red Hat signatures of ../shared' },
  async (t) => {
    const file = (path: string) => readFileSync(join(redhat ?? '', 'conformance/redhat', path));
    const hex = 'e3f12513a4b22a2d7c0e7c9207f52128113758d9d68c7d06b11a0ac7672966f7';
    const rhel7 = { digest: `sha256:${hex}` };
    const signature = file(`signatures/sha256=${hex}/signature-1`);
    const keys = await loadKeys([file('keys/library-go-redhat.txt')]);
    t.match(verifySignature({ manifest: rhel7, keys, signature, nowMs }), {
      accepted: true,
      fingerprint: '567E347AD0044ADE55BA8A5F199E2F91FD431D51',
      digest: rhel7.digest,
      reference: 'registry.access.redhat.com/rhel7:7.6',
    });
    const ci = await loadKeys([file('keys/verifier-public-key-openshift-ci')]);
    t.match(verifySignature({ manifest: rhel7, keys: ci, signature, nowMs }), {
      accepted: false,
      reason: 'openpgp-invalid',
    });
  },
);
