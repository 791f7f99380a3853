import type { PolicyChange } from './policy-diff/change.ts';
import { type Lost, lostRequirements } from './policy-diff/losses.ts';
import { diffRegistriesD } from './policy-diff/registries-d-diff.ts';
import { scopesAbove } from './policy-diff/scopes-above.ts';
import { asksForSignature, type KeyNames, Wording } from './policy-diff/words.ts';
import type { Policy, PolicyRequirements } from './policy-types.ts';
import type { RegistriesD } from './registries-d.ts';
import { isReachable } from './scope-reach.ts';

export type { PolicyChange };

/** A policy, and where its signatures are read from; without registries.d that is what is built into the library. */
export interface TrustConfiguration {
  readonly policy: Policy;
  readonly registriesD?: RegistriesD;
}
export interface PolicyDiffOptions {
  /** Names of keys that only the caller can read, for the reasons. Default: the file's name. */
  readonly keyNames?: KeyNames;
}

/**
 * What changes between two policies, by scope, the weakened first. Texts that mean the same give no change. When
 * nothing is said to be weakened, no image that the old policy refused is accepted by the new one, provided that the
 * key files that both name can be read and hold different keys. Inheritance counts: an entry that is gone is compared
 * with what speaks in its place. What cannot be compared counts as weakened.
 */
export function diffPolicies(
  old: TrustConfiguration,
  now: TrustConfiguration,
  { keyNames }: PolicyDiffOptions = {},
): readonly PolicyChange[] {
  const wording = new Wording(keyNames);
  const places = placesOf(old.policy, now.policy);
  const changes = places.flatMap((place) => comparePlace(place, old.policy, now.policy, wording));
  const all = [
    ...changes,
    ...diffRegistriesD(old.registriesD, now.registriesD, needsOf(now.policy)),
  ];
  const rank = { weakened: 0, strengthened: 1, neutral: 2 } as const;
  return all.sort((one, other) => rank[one.effect] - rank[other.effect]);
}

/** An entry that at least one of the policies has; no transport means the default. */
interface Place {
  readonly transport?: string;
  readonly scope?: string;
}

/** Every image has one most exact place among these, and what speaks for the image in each policy follows from it. */
function placesOf(old: Policy, now: Policy): readonly Place[] {
  const transports = new Set([...old.transports.keys(), ...now.transports.keys()]);
  const places = [...transports].sort().flatMap((transport): readonly Place[] => {
    const scopes = [old, now].flatMap(({ transports: all }) => [
      ...(all.get(transport)?.keys() ?? []),
    ]);
    return [...new Set(scopes)].sort().map((scope) => ({ transport, scope }));
  });
  return [{}, ...places];
}

/** What a policy says at a place, and which of its entries does. */
interface Speaker {
  readonly requirements: PolicyRequirements;
  readonly name: string;
}

function speakerAt(policy: Policy, { transport, scope }: Place): Speaker {
  const scopes = transport === undefined ? undefined : policy.transports.get(transport);
  if (transport !== undefined && scope !== undefined) {
    for (const name of [scope, ...scopesAbove(transport, scope), '']) {
      const requirements = scopes?.get(name);
      if (requirements !== undefined)
        return { requirements, name: subjectOf({ transport, scope: name }) };
    }
  }
  return { requirements: policy.default, name: 'the default' };
}

function comparePlace(
  place: Place,
  oldPolicy: Policy,
  newPolicy: Policy,
  wording: Wording,
): readonly PolicyChange[] {
  const old = speakerAt(oldPolicy, place);
  const now = speakerAt(newPolicy, place);
  const lost = lostRequirements(old.requirements, now.requirements);
  const gained = lostRequirements(now.requirements, old.requirements);
  if (lost.length === 0 && gained.length === 0) return [];
  const subject = subjectOf(place);
  const { transport, scope } = place;
  if (transport !== undefined && scope !== undefined && !isReachable(transport, scope)) {
    const reason = `the entry for ${subject} changed, but no image leads to it`;
    return [{ effect: 'neutral', part: 'policy', ...place, reason }];
  }
  const effect = lost.length === 0 ? 'strengthened' : 'weakened';
  const what = wordsFor(lost, gained, old.requirements, now.requirements, wording);
  const reason = `${subject} ${what}${inheritance(subject, old, now)}`;
  return [{ effect, part: 'policy', ...place, reason }];
}

function wordsFor(
  lost: readonly Lost[],
  gained: readonly Lost[],
  old: PolicyRequirements,
  now: PolicyRequirements,
  wording: Wording,
): string {
  if (lost.length === 0) return wording.strengthened(gained, old, now);
  return gained.length === 0 ? wording.weakened(lost, old, now) : wording.incomparable(lost, now);
}

/** Says who speaks when it is not the entry itself. */
function inheritance(subject: string, old: Speaker, now: Speaker): string {
  if (now.name !== subject && old.name === subject)
    return ` (its entry is gone, ${now.name} speaks)`;
  if (now.name === subject && old.name !== subject) return ` (${old.name} spoke for it)`;
  return '';
}

/** Scopes of docker go by their names, for that is what people call them; others name their transport. */
function subjectOf({ transport, scope }: Place): string {
  if (transport === undefined || scope === undefined) return 'the default';
  if (scope === '') return `every other image of ${transport}`;
  return transport === 'docker' ? scope : `${transport}:${scope}`;
}

function needsOf({ default: fallback, transports }: Policy): {
  readonly simple: boolean;
  readonly sigstore: boolean;
} {
  const requirements = [...fallback, ...[...(transports.get('docker')?.values() ?? [])].flat()];
  const asked = requirements.filter(asksForSignature);
  return {
    simple: asked.some(({ type }) => type === 'signedBy'),
    sigstore: asked.some(({ type }) => type === 'sigstoreSigned'),
  };
}
