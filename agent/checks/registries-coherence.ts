import { counted } from '../../shared/counted.ts';
import type { PolicyRequirement } from '../../shared/trust/policy-types.ts';
import { lookupRegistriesD, type RegistriesD } from '../../shared/trust/registries-d.ts';
import type { Statement } from '../check.ts';
import type { NodeTrust } from '../trust.ts';
import { notRead } from './registries-lookaside.ts';
import { type PlaceOfImages, placesUnder } from './registries-places.ts';

/** What the rule `registries.policy-coherence` says: each scope of the policy finds signatures of its kind. */
export function policyCoherence(trust: NodeTrust): Statement | readonly Statement[] {
  const { policy } = trust.policy;
  const { registries, path: folder } = trust.registriesD;
  const { conf } = trust.registriesConf;
  if (policy === undefined) return notRead(trust.policy.path);
  const scopes = [...(policy.transports.get('docker') ?? [])].filter(([, requirements]) =>
    requirements.some(asksForSignature),
  );
  if (scopes.length === 0) {
    const message = 'no scope of the policy asks for signatures';
    return { result: 'notapplicable', reason: 'no-signed-scope', message };
  }
  if (registries === undefined) return notRead(folder);
  if (conf === undefined) return notRead(trust.registriesConf.path);
  const gaps = scopes.flatMap(([scope, requirements]): readonly Statement[] => {
    const what = placesUnder(conf, scope)
      .map((place) => gapOf(registries, place, requirements))
      .find((gap) => gap !== undefined);
    if (what === undefined) return [];
    const message = `the policy asks ${scope} for ${what.asked}, and ${folder} ${what.lacks}`;
    return [{ subject: scope, result: 'fail', reason: what.reason, message }];
  });
  if (gaps.length > 0) return gaps;
  const message = `${counted(scopes.length, 'scope that asks for signatures has', 'scopes that ask for signatures have')} a place to get them from`;
  return { result: 'pass', message, observed: { scopes: scopes.length } };
}

interface Gap {
  readonly reason: 'no-lookaside' | 'no-attachments';
  readonly asked: string;
  readonly lacks: string;
}

function gapOf(
  registries: RegistriesD,
  { scope, reference }: PlaceOfImages,
  requirements: readonly PolicyRequirement[],
): Gap | undefined {
  // A narrower entry serves a part of the scope: which images there are in the rest, nobody can tell from here.
  if ([...registries.docker.keys()].some((key) => key.startsWith(`${scope}/`))) return undefined;
  const { lookaside, useSigstoreAttachments } = lookupRegistriesD(registries, reference);
  const types = requirements.map(({ type }) => type);
  if (types.includes('sigstoreSigned') && !useSigstoreAttachments) {
    return {
      reason: 'no-attachments',
      asked: 'sigstore signatures',
      lacks: `does not set use-sigstore-attachments: true for ${scope}`,
    };
  }
  if (types.includes('signedBy') && lookaside.file === undefined) {
    return {
      reason: 'no-lookaside',
      asked: 'simple signatures',
      lacks: `names no lookaside for ${scope}`,
    };
  }
  return undefined;
}

function asksForSignature({ type }: PolicyRequirement): boolean {
  return type === 'signedBy' || type === 'sigstoreSigned';
}
