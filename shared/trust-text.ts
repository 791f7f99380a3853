import type { PolicyRequirement, PolicyScope } from './trust/policy-types.ts';
import type { SignatureVerdict } from './trust/verdict-types.ts';

/** The scope that spoke: `docker "quay.io/x"` or `default`. */
export function scopeText(scope: Pick<PolicyScope, 'section' | 'transport' | 'scope'>): string {
  if (scope.section === 'default') return 'default';
  return `${scope.transport} ${JSON.stringify(scope.scope)}`;
}

/** A requirement with every member that is not key material: `signedBy keyPath=/k signedIdentity=matchExact`. */
export function requirementText(requirement: PolicyRequirement): string {
  const { type, ...members } = requirement;
  const parts = Object.entries(members).map(
    ([name, value]) => `${name}=${memberText(name, value)}`,
  );
  return [type, ...parts].join(' ');
}

function memberText(name: string, value: unknown): string {
  // Key material is long and says nothing to people; the fingerprints do.
  if (/Data$/.test(name)) return '(inline)';
  if (/Datas$/.test(name)) return `(${Array.isArray(value) ? value.length : 0} inline)`;
  if (Array.isArray(value)) return value.join(',');
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first?.[0] === 'type') return String(first[1]);
  return `{${entries.map(([key, member]) => `${key}=${memberText(key, member)}`).join(' ')}}`;
}

/** What became of one signature: `signature 1 accepted: key ABCD… signed quay.io/x:v1`. */
export function signatureText(signature: SignatureVerdict): string {
  const { index, accepted, message, reason, signer, signedReference } = signature;
  const by = signer === undefined ? '' : `, key ${signer}`;
  const as = signedReference === undefined ? '' : `, signed as ${signedReference}`;
  const why = accepted ? '' : `: ${message ?? reason ?? ''}`;
  return `signature ${index + 1} ${accepted ? 'accepted' : 'refused'}${by}${as}${why}`;
}
