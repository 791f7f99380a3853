import { refusesEverything } from '../../shared/trust/policy-diff/losses.ts';
import type { Policy } from '../../shared/trust/policy-types.ts';
import { type Reference, referenceText } from '../../shared/trust/reference.ts';
import { type RegistriesConf, resolveRegistry } from '../../shared/trust/registries-conf.ts';
import { findScope } from '../../shared/trust/scope.ts';
import { isReachable } from '../../shared/trust/scope-reach.ts';
import type { Statement } from '../check.ts';
import type { ProfileValues } from '../profile-values.ts';
import type { NodeRegistriesConf } from '../registries-conf.ts';
import { governing, type ReadPolicy } from '../trust-policies.ts';
import { notRead } from './registries-lookaside.ts';
import { byDigest, imageUnder, isCovered } from './registries-places.ts';

/**
 * What the rule `registries.allowed-effective` says: images come from approved places alone, by the policy that
 * decides whether they are taken and registries.conf, which decides where from.
 */
export function allowedEffective(
  policies: readonly ReadPolicy[],
  { path, conf }: NodeRegistriesConf,
  values: ProfileValues,
): readonly Statement[] {
  if (values.allowedRegistries.length === 0) {
    const message = 'the profile approves no registries by name';
    return [{ result: 'notapplicable', reason: 'no-approved-list', message }];
  }
  if (conf === undefined) return [notRead(path)];
  const found = new Map<string, Statement>();
  for (const { path: policyPath, policy } of governing(policies)) {
    if (policy === undefined) return [notRead(policyPath)];
    if (!refusesUnlisted(policy)) return [anyRegistry(policyPath)];
    for (const extra of extrasOf(policy, conf, values)) found.set(extra.subject, extra);
  }
  if (found.size > 0) return [...found.values()];
  const message = 'images are taken from approved registries alone';
  const approved = values.allowedRegistries.join(' ');
  return [{ result: 'pass', message, observed: { approved } }];
}

function refusesUnlisted(policy: Policy): boolean {
  return (policy.transports.get('docker')?.get('') ?? policy.default).some(refusesEverything);
}

function anyRegistry(path: string): Statement {
  const message = `${path} takes images of registries that it does not name`;
  return { result: 'fail', reason: 'any-registry', message };
}

interface Extra extends Statement {
  readonly subject: string;
}

/** Scopes, and parts of them that registries.conf sends elsewhere, whose images come from where nobody approved. */
function extrasOf(policy: Policy, conf: RegistriesConf, values: ProfileValues): readonly Extra[] {
  const scopes = [...(policy.transports.get('docker')?.keys() ?? [])];
  const named = new Set([...scopes, ...conf.registries.keys()]);
  return [...named].sort().flatMap((name): readonly Extra[] => {
    const image = imageUnder(name);
    if (image === undefined || !isReachable('docker', name)) return [];
    const { requirements } = findScope(policy, 'docker', referenceText(byDigestOrTag(image)));
    if (requirements.some(refusesEverything)) return [];
    const place = placesOf(conf, image).find((one) => !isApproved(one, values));
    if (place === undefined) return [];
    const isElsewhere = place.name !== image.name;
    const what = isElsewhere ? `fetched from ${place.name}` : 'accepted';
    const message = `images of ${name} are ${what}, which is not approved`;
    const observed = { place: place.name, mirror: place.isMirror };
    return [{ subject: name, result: 'fail', reason: 'not-approved', message, observed }];
  });
}

function byDigestOrTag(image: Reference): Reference {
  return image.tag === undefined ? byDigest(image) : image;
}

interface Place {
  readonly name: string;
  readonly isMirror: boolean;
}

function placesOf(conf: RegistriesConf, image: Reference): readonly Place[] {
  return [image, byDigest(image)].flatMap((one) =>
    resolveRegistry(conf, one).sources.map(({ reference, isMirror }) => ({
      name: reference.name,
      isMirror,
    })),
  );
}

function isApproved({ name, isMirror }: Place, values: ProfileValues): boolean {
  const { allowedRegistries, allowedMirrors } = values;
  return isCovered([...allowedRegistries, ...(isMirror ? allowedMirrors : [])], name);
}
