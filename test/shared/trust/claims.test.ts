import { createHash } from 'node:crypto';
import t from 'tap';
import { ClaimsJudge, conclusion } from '../../../shared/trust/claims.ts';
import { SignatureError } from '../../../shared/trust/signature-error.ts';
import type { Rejection, SignatureVerdict } from '../../../shared/trust/verdict-types.ts';

const manifest = Buffer.from('{"schemaVersion":2}');
const digest = `sha256:${createHash('sha256').update(manifest).digest('hex')}`;
const reference = 'quay.io/team/app:v1';
const image = { transport: 'docker', policyReference: reference, manifest, signatures: [] };
const unsigned = Buffer.from('{"schemaVersion":1,"signatures":1}');

const claims = [
  ['are of this image', {}, {}, undefined],
  ['are of another manifest', {}, { digest: digest.replace(/.$/, 'g') }, 'digest-mismatch'],
  ['are of another name', {}, { reference: 'quay.io/team/app:v2' }, 'identity-mismatch'],
  ['are of another manifest and name', {}, { digest: '', reference: '' }, 'digest-mismatch'],
  ['meet an image without a name', { dockerReference: undefined }, {}, 'identity-mismatch'],
  ['meet a manifest without a digest', { manifest: unsigned }, {}, 'manifest-error'],
] as const;

for (const [what, imageChange, claimsChange, reason] of claims) {
  t.test(`claims that ${what} are ${reason ?? 'accepted'}`, async (t) => {
    const { dockerReference, ...rest } = { ...image, dockerReference: reference, ...imageChange };
    const named = dockerReference === undefined ? rest : { ...rest, dockerReference };
    const judge = new ClaimsJudge(named, { type: 'matchExact' });
    const require = () => judge.require({ digest, reference, ...claimsChange });
    if (reason === undefined) t.doesNotThrow(require);
    else t.throws(require, { constructor: SignatureError, code: reason });
  });
}

const good: SignatureVerdict = { index: 0, format: 'simple-signing', accepted: true };
const bad = (reason: Rejection): SignatureVerdict => ({
  ...good,
  accepted: false,
  reason,
  message: reason,
});
const sums = [
  ['none', [], 'no-signature'],
  ['one that is accepted', [good], undefined],
  ['one accepted among refused ones', [bad('digest-mismatch'), good], undefined],
  ['one that is refused', [bad('digest-mismatch')], 'digest-mismatch'],
  ['several refused', [bad('digest-mismatch'), bad('rekor-set')], 'all-signatures-rejected'],
  ['one undecided', [bad('rekor-set'), bad('algorithm-unavailable')], 'algorithm-unavailable'],
  ['an undecided and an accepted one', [bad('algorithm-unavailable'), good], undefined],
  ['one refused without a reason', [{ ...good, accepted: false }], 'openpgp-invalid'],
] as const;

for (const [what, signatures, reason] of sums) {
  t.test(`signatures of which there is ${what} mean ${reason ?? 'satisfied'}`, async (t) => {
    const found = conclusion(signatures, { none: 'none', reason: 'openpgp-invalid' });
    t.equal(found.satisfied, reason === undefined);
    t.equal(found.reason, reason);
  });
}
