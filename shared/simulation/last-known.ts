import { canonicalJson, type Json } from '../canonical.ts';
import type { ImageVerdict } from '../images.ts';
import type { ImageOutcome } from '../simulation.ts';
import type { Policy, PolicyRequirements, PolicyScope } from '../trust/policy-types.ts';
import { ImageReferenceError } from '../trust/reference.ts';
import { findScope } from '../trust/scope.ts';
import { scopeText } from '../trust-text.ts';
import type { CheckedCandidate } from './candidate.ts';
import { imageNow } from './image-now.ts';
import { addRequirements } from './merge.ts';

type Standing = Pick<ImageOutcome, 'after' | 'reason' | 'message' | 'scope'>;

/** For these an image is refused before any policy is asked. */
const REFUSED_ANYWAY: readonly string[] = [
  'store-metadata',
  'store-manifest',
  'reference-digest-mismatch',
];
/** Unknown because of the policy in force, or of what that made the node look for: another policy may be decided. */
const UNKNOWN_BY_POLICY =
  /^(policy-.*|source-.*|registries-invalid|algorithm-unavailable|evaluation-.*)$/;

/**
 * What a candidate would say of an image on a node that cannot be asked, from what the node said of it last: as far as that
 * is certain without its signatures, and else `unknown`.
 */
export function lastKnownOutcome(verdict: ImageVerdict, candidate: CheckedCandidate): ImageOutcome {
  return { ...imageNow(verdict), ...standingOf(verdict, candidate) };
}

function standingOf(verdict: ImageVerdict, { candidate, policy }: CheckedCandidate): Standing {
  if (isBeyondPolicy(verdict)) return asNow(verdict);
  // The policy of a namespace stays what it is.
  if (verdict.namespace !== undefined && candidate.policyMode === 'replace') return asNow(verdict);
  const scope = scopeFor(verdict, candidate.policyMode === 'add', policy);
  if (scope === undefined) return notAsked('');
  if (scope === 'unchanged') return asNow(verdict);
  // Other places to look in may have signatures where none was found.
  const isSamePlaces = candidate.policyMode === 'replace' && candidate.registriesD === undefined;
  return judged(verdict, scope, isSamePlaces);
}

function isBeyondPolicy({ verdict, reason = '' }: ImageVerdict): boolean {
  if (verdict === 'unknown') return !UNKNOWN_BY_POLICY.test(reason);
  return verdict === 'rejected' && REFUSED_ANYWAY.includes(reason);
}

/** `unchanged`: nothing is added to what speaks for the image now. Undefined: not known which scope speaks. */
function scopeFor(
  verdict: ImageVerdict,
  isAdded: boolean,
  policy: Policy,
): PolicyScope | 'unchanged' | undefined {
  try {
    if (!isAdded) return found(verdict, policy);
    // What speaks now is all that is known of the node's policy, and enough: only a scope as exact can take its place.
    const [present, added] = [policyInForce(verdict), policy];
    if (present === undefined) return undefined;
    const now = found(verdict, present);
    const then = found(verdict, addRequirements(present, added));
    if (now === undefined || then === undefined) return undefined;
    return same(now.requirements, then.requirements) ? 'unchanged' : then;
  } catch (error) {
    if (error instanceof ImageReferenceError) return undefined;
    throw error;
  }
}

function found({ reference }: ImageVerdict, policy: Policy): PolicyScope | undefined {
  if (reference !== '<none>') return findScope(policy, 'docker', reference);
  // Which store a nameless image is in was not reported: without scopes of stores the default speaks.
  if (policy.transports.has('containers-storage')) return undefined;
  return { section: 'default', requirements: policy.default, passedOver: [] };
}

/** As much of the policy in force as speaks for the image. */
function policyInForce({ scope, requirements }: ImageVerdict): Policy | undefined {
  if (scope === '' || requirements.length === 0) return undefined;
  if (scope === 'default') return { default: requirements, transports: new Map() };
  const [, transport, quoted = ''] = /^([^ ]+) (".*")$/s.exec(scope) ?? [];
  const name = unquoted(quoted);
  if (transport === undefined || name === undefined) return undefined;
  const scopes = new Map([[transport, new Map([[name, requirements]])]]);
  return { default: [{ type: 'reject' }], transports: scopes };
}

/** Undefined for what a node wrote otherwise than it should. */
function unquoted(text: string): string | undefined {
  try {
    const name: unknown = JSON.parse(text);
    return typeof name === 'string' ? name : undefined;
  } catch {
    return undefined;
  }
}

function judged(verdict: ImageVerdict, spoken: PolicyScope, isSamePlaces: boolean): Standing {
  const { requirements } = spoken;
  const scope = scopeText(spoken);
  // Whether its manifest can be read, and has the digest of its name, is not known.
  if (verdict.reason === 'manifest-error') return notAsked(scope);
  if (requirements.every(({ type }) => type === 'insecureAcceptAnything')) {
    return { after: 'unenforced', scope };
  }
  if (requirements.some(({ type }) => type === 'reject')) {
    return { after: 'rejected', reason: 'policy-reject', scope };
  }
  const isFound = verdict.verdict === 'accepted' && verdict.source === 'store';
  const isDecided = isFound || (isSamePlaces && verdict.verdict !== 'unknown');
  if (isDecided && same(requirements, verdict.requirements)) return { ...asNow(verdict), scope };
  // Where none of a kind was found while one was asked for, no other key finds one.
  const isOfKind = requirements.some(({ type }) =>
    verdict.requirements.some((present) => present.type === type),
  );
  const hadNone = isOfKind && verdict.reason === 'no-signature' && verdict.signatures.length === 0;
  if (verdict.verdict === 'rejected' && hadNone && isSamePlaces) {
    return { after: 'rejected', reason: 'no-signature', scope };
  }
  return notAsked(scope);
}

function asNow({ verdict, reason, message, scope }: ImageVerdict): Standing {
  return {
    after: verdict,
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
    scope,
  };
}

function notAsked(scope: string): Standing {
  const message = 'the node could not be asked, and the signatures of its images are on it alone';
  return { after: 'unknown', reason: 'node-not-asked', message, scope };
}

function same(a: PolicyRequirements, b: PolicyRequirements): boolean {
  return textOf(a) === textOf(b);
}

function textOf(requirements: PolicyRequirements): string {
  return canonicalJson(requirements as unknown as Json); // plain data of JSON as it stood in the policy
}
