import type {
  PolicyRequirement,
  PolicyRequirements,
  SignedBy,
  SignedIdentity,
  SigstoreSigned,
} from '../policy-types.ts';
import { referenceText, tryParseReference } from '../reference.ts';
import {
  authorityId,
  type KeySource,
  logSources,
  openPgpSources,
  sigstoreSources,
} from './key-sources.ts';

/** One way in which a requirement may accept what another refused. */
export type Loss =
  /** The other one refuses everything. */
  | { readonly kind: 'refused-everything' }
  /** This one asks for nothing. */
  | { readonly kind: 'asks-nothing' }
  /** They ask for different things: OpenPGP, sigstore keys, a certificate authority. */
  | { readonly kind: 'other-means' }
  | {
      readonly kind: 'keys' | 'log-keys';
      readonly added: readonly KeySource[];
      readonly removed: readonly KeySource[];
    }
  | { readonly kind: 'no-log' }
  | { readonly kind: 'authority' | 'issuer' | 'subject' }
  | { readonly kind: 'identity'; readonly comparable: boolean };

/** What stands between a requirement and being as strict as another one, which it is to replace. */
export interface Lost {
  readonly requirement: PolicyRequirement;
  /** The one of the others that comes nearest; absent when there is none. */
  readonly nearest?: PolicyRequirement;
  readonly losses: readonly [Loss, ...Loss[]];
}

/**
 * What of `from` the list `to` no longer asks for; empty only when every image that `to` accepts was accepted by `from`.
 * All requirements of a list must be met, so each of `from` has to be implied by one of `to`. Known to be sound as
 * long as the key files that both name can be read and hold different keys.
 */
export function lostRequirements(
  from: PolicyRequirements,
  to: PolicyRequirements,
): readonly Lost[] {
  if (to.some(refusesEverything)) return [];
  return from.flatMap((requirement): readonly Lost[] => {
    const attempts = to
      .map((candidate) => ({ nearest: candidate, losses: lossesOf(requirement, candidate) }))
      .sort((one, other) => cost(one.losses) - cost(other.losses));
    const [best] = attempts;
    const [first, ...more] = best?.losses ?? [{ kind: 'asks-nothing' } as const];
    if (first === undefined) return [];
    return [{ requirement, losses: [first, ...more], ...(best && { nearest: best.nearest }) }];
  });
}

/** For wording alone: a requirement of the same kind is nearer than one of another, which is nearer than none. */
function cost(losses: readonly Loss[]): number {
  const [first] = losses;
  if (first?.kind === 'asks-nothing') return 1000;
  return first?.kind === 'other-means' ? 100 : losses.length;
}

/** True for what no image can ever meet. */
export function refusesEverything(requirement: PolicyRequirement): boolean {
  switch (requirement.type) {
    case 'insecureAcceptAnything':
      return false;
    case 'reject':
    case 'signedBaseLayer':
      return true;
    case 'signedBy': {
      const sources = openPgpSources(requirement);
      const isUnimplemented = requirement.keyType !== 'GPGKeys';
      return isUnimplemented || sources.every(({ isUnusable }) => isUnusable);
    }
    case 'sigstoreSigned':
      return [...sigstoreSources(requirement), ...logSources(requirement)].some(
        ({ isUnusable }) => isUnusable,
      );
  }
}

function lossesOf(from: PolicyRequirement, to: PolicyRequirement): readonly Loss[] {
  if (from.type === 'insecureAcceptAnything' || refusesEverything(to)) return [];
  if (refusesEverything(from)) return [{ kind: 'refused-everything' }];
  if (to.type === 'insecureAcceptAnything') return [{ kind: 'asks-nothing' }];
  if (from.type === 'signedBy' && to.type === 'signedBy') return signedByLosses(from, to);
  if (from.type === 'sigstoreSigned' && to.type === 'sigstoreSigned') {
    return sigstoreLosses(from, to);
  }
  return [{ kind: 'other-means' }];
}

function signedByLosses(from: SignedBy, to: SignedBy): readonly Loss[] {
  return [
    ...keyLosses('keys', openPgpSources(from), openPgpSources(to)),
    ...identityLosses(from.signedIdentity, to.signedIdentity),
  ];
}

function sigstoreLosses(from: SigstoreSigned, to: SigstoreSigned): readonly Loss[] {
  const logs = logSources(from);
  const newLogs = logSources(to);
  return [
    ...signerLosses(from, to),
    ...(logs.length === 0
      ? []
      : newLogs.length === 0
        ? [{ kind: 'no-log' } as const]
        : keyLosses('log-keys', logs, newLogs)),
    ...identityLosses(from.signedIdentity, to.signedIdentity),
  ];
}

/** Keys are compared with keys, an authority with one of its own kind. */
function signerLosses(from: SigstoreSigned, to: SigstoreSigned): readonly Loss[] {
  if (from.fulcio !== undefined && to.fulcio !== undefined) {
    const [old, now] = [from.fulcio, to.fulcio];
    return [
      ...lossIf(
        'authority',
        authorityId(old.caPath, old.caData) !== authorityId(now.caPath, now.caData),
      ),
      ...lossIf('issuer', old.oidcIssuer !== now.oidcIssuer),
      ...lossIf('subject', old.subjectEmail !== now.subjectEmail),
    ];
  }
  if (from.pki !== undefined && to.pki !== undefined) {
    const [old, now] = [from.pki, to.pki];
    const helpers = authorityId(now.caIntermediatesPath, now.caIntermediatesData);
    const oldHelpers = authorityId(old.caIntermediatesPath, old.caIntermediatesData);
    const hasOtherRoots =
      authorityId(old.caRootsPath, old.caRootsData) !==
      authorityId(now.caRootsPath, now.caRootsData);
    return [
      ...lossIf('authority', hasOtherRoots || helpers !== oldHelpers),
      ...lossIf('subject', isFreed(old.subjectEmail, now.subjectEmail)),
      ...lossIf('subject', isFreed(old.subjectHostname, now.subjectHostname)),
    ];
  }
  const hasKeys = (it: SigstoreSigned): boolean => it.fulcio === undefined && it.pki === undefined;
  if (!hasKeys(from) || !hasKeys(to)) return [{ kind: 'other-means' }];
  return keyLosses('keys', sigstoreSources(from), sigstoreSources(to));
}

function isFreed(from: string | undefined, to: string | undefined): boolean {
  return from !== undefined && from !== to;
}

function lossIf(kind: 'authority' | 'issuer' | 'subject', isLost: boolean): readonly Loss[] {
  return isLost ? [{ kind }] : [];
}

function keyLosses(
  kind: 'keys' | 'log-keys',
  from: readonly KeySource[],
  to: readonly KeySource[],
): readonly Loss[] {
  const added = without(to, from);
  return added.length === 0 ? [] : [{ kind, added, removed: without(from, to) }];
}

function without(
  sources: readonly KeySource[],
  others: readonly KeySource[],
): readonly KeySource[] {
  return sources.filter(({ id }) => !others.some((other) => other.id === id));
}

/** No loss when every pair of names that `to` accepts is one that `from` accepts. */
function identityLosses(from: SignedIdentity, to: SignedIdentity): readonly Loss[] {
  if (isNarrower(to, from)) return [];
  return [{ kind: 'identity', comparable: isNarrower(from, to) }];
}

function isNarrower(narrow: SignedIdentity, wide: SignedIdentity): boolean {
  if (isSameIdentity(narrow, wide)) return true;
  switch (wide.type) {
    case 'matchRepository':
      return narrow.type === 'matchExact' || narrow.type === 'matchRepoDigestOrExact';
    case 'matchRepoDigestOrExact':
      return narrow.type === 'matchExact';
    case 'exactRepository':
      return (
        narrow.type === 'exactReference' &&
        nameOf(narrow.dockerReference) === nameOf(wide.dockerRepository)
      );
    default:
      return false;
  }
}

function isSameIdentity(one: SignedIdentity, other: SignedIdentity): boolean {
  if (one.type === 'exactReference' && other.type === 'exactReference') {
    return completed(one.dockerReference) === completed(other.dockerReference);
  }
  if (one.type === 'exactRepository' && other.type === 'exactRepository') {
    return nameOf(one.dockerRepository) === nameOf(other.dockerRepository);
  }
  if (one.type === 'remapIdentity' && other.type === 'remapIdentity') {
    return one.prefix === other.prefix && one.signedPrefix === other.signedPrefix;
  }
  return one.type === other.type;
}

/** The text itself when it is no reference, so that it equals nothing but itself. */
function completed(text: string): string {
  const reference = tryParseReference(text);
  return reference === undefined ? text : referenceText(reference);
}

function nameOf(text: string): string {
  return tryParseReference(text)?.name ?? text;
}
