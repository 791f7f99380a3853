import { counted } from '../../shared/counted.ts';
import type { PolicyRequirement } from '../../shared/trust/policy-types.ts';
import { parseReference } from '../../shared/trust/reference.ts';
import { lookupRegistriesD, type RegistriesD } from '../../shared/trust/registries-d.ts';
import type { Statement } from '../check.ts';
import type { NodeTrust } from '../trust.ts';
import { notRead } from './registries-lookaside.ts';
import { isCovered, type PlaceOfImages, placesUnder } from './registries-places.ts';

/** What the rule `registries.policy-coherence` says: each scope of the policy finds signatures of its kind. */
export function policyCoherence(trust: NodeTrust): Statement | readonly Statement[] {
  const { policy } = trust.policy;
  const { registries, path: folder } = trust.registriesD;
  const { conf } = trust.registriesConf;
  if (policy === undefined) return notRead(trust.policy.path);
  const scopes = [...new Map([['', policy.default], ...(policy.transports.get('docker') ?? [])])];
  const signed = scopes.filter(([, requirements]) => requirements.some(asksForSignature));
  if (signed.length === 0) {
    const message = 'no scope of the policy asks for signatures';
    return { result: 'notapplicable', reason: 'no-signed-scope', message };
  }
  if (registries === undefined) return notRead(folder);
  if (conf === undefined) return notRead(trust.registriesConf.path);
  const gaps = signed.flatMap(([scope, requirements]): readonly Statement[] => {
    const places = scope === '' ? [ANY_IMAGE] : placesUnder(conf, scope);
    const what = places
      .map((place) => gapOf(registries, place, requirements))
      .find((gap) => gap !== undefined);
    if (what === undefined) return [];
    const subject = scope || 'default';
    const message = `the policy asks ${scope || 'images that it does not name'} for ${what.asked}, and ${folder} ${what.lacks}`;
    return [{ subject, result: 'fail', reason: what.reason, message }];
  });
  if (gaps.length > 0) return gaps;
  const message = `${counted(signed.length, 'scope that asks for signatures has', 'scopes that ask for signatures have')} a place to get them from`;
  return { result: 'pass', message, observed: { scopes: signed.length } };
}

/** Stands for the images that no scope names. */
const ANY_IMAGE: PlaceOfImages = {
  scope: '',
  reference: parseReference('registry.invalid/any/image'),
};

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
  const { lookaside, useSigstoreAttachments } = lookupRegistriesD(registries, reference);
  const types = requirements.map(({ type }) => type);
  // A narrower entry serves a part of the scope: which images there are in the rest, nobody can tell from here.
  const within = [...registries.docker].flatMap(([key, section]) =>
    isWithin(scope, key) ? [section] : [],
  );
  const isAttached = useSigstoreAttachments || within.some((one) => one.useSigstoreAttachments);
  if (types.includes('sigstoreSigned') && !isAttached) {
    return {
      reason: 'no-attachments',
      asked: 'sigstore signatures',
      lacks: `does not set use-sigstore-attachments: true for ${scope || 'any'}`,
    };
  }
  const hasLookaside =
    lookaside.file !== undefined || within.some((one) => one.lookaside ?? one.sigstore);
  if (types.includes('signedBy') && !hasLookaside) {
    return {
      reason: 'no-lookaside',
      asked: 'simple signatures',
      lacks: `names no lookaside for ${scope || 'any'}`,
    };
  }
  return undefined;
}

/** True for the key of images that are a part of the scope. */
function isWithin(scope: string, key: string): boolean {
  if (scope === '') return true;
  return scope.startsWith('*.') ? isCovered([scope], key) : key.startsWith(`${scope}/`);
}

function asksForSignature({ type }: PolicyRequirement): boolean {
  return type === 'signedBy' || type === 'sigstoreSigned';
}
