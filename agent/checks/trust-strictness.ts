import { refusesEverything } from '../../shared/trust/policy-diff/losses.ts';
import { policyWarnings } from '../../shared/trust/policy-lint.ts';
import type { Policy, PolicyRequirements } from '../../shared/trust/policy-types.ts';
import { tryParseReference } from '../../shared/trust/reference.ts';
import { type RegistriesConf, resolveRegistry } from '../../shared/trust/registries-conf.ts';
import { findScope } from '../../shared/trust/scope.ts';
import { isReachable } from '../../shared/trust/scope-reach.ts';
import type { Statement } from '../check.ts';
import { governing, type ReadPolicy } from '../trust-policies.ts';

/** What the rule `trust.default-reject` says of images that no scope of the policy names. */
export function defaultReject(policies: readonly ReadPolicy[]): readonly Statement[] {
  return governing(policies).flatMap(({ path, role, policy }): readonly Statement[] => {
    const subject = role === 'crio' ? { subject: path } : {};
    if (policy === undefined) return [{ ...subject, ...noPolicy(path) }];
    const unlisted = policy.transports.get('docker')?.get('') ?? policy.default;
    const observed = { default: typesOf(policy.default), docker: typesOf(unlisted) };
    if (!acceptsAnything(unlisted)) {
      const fate = unlisted.some(refusesEverything) ? 'are refused' : 'have to be signed';
      const message = `images that no scope of ${path} names ${fate}`;
      return [{ ...subject, result: 'pass', message, observed }];
    }
    const message = `images that no scope of ${path} names are accepted without a signature`;
    return [{ ...subject, result: 'fail', reason: 'accepts-anything', message, observed }];
  });
}

/** Images of a host or namespace stand for all of it; those of a release are in two repositories. */
const RED_HAT: Readonly<Record<string, readonly string[]>> = {
  'registry.redhat.io': ['registry.redhat.io/any/image'],
  'registry.access.redhat.com': ['registry.access.redhat.com/any/image'],
  'quay.io/openshift-release-dev': [
    'quay.io/openshift-release-dev/ocp-release',
    'quay.io/openshift-release-dev/ocp-v4.0-art-dev',
  ],
};
/** By digest, so that no scope of a tag speaks for it. */
const SOME_DIGEST = `@sha256:${'0'.repeat(64)}`;

/** What the rule `trust.redhat-signed` says of each of Red Hat's registries. */
export function redHatSigned(
  policies: readonly ReadPolicy[],
  conf: RegistriesConf | undefined,
): readonly Statement[] {
  return governing(policies).flatMap(({ path, role, policy }): readonly Statement[] => {
    const of = (place: string): string => (role === 'crio' ? `${path} ${place}` : place);
    if (policy === undefined) {
      return [{ ...(role === 'crio' ? { subject: path } : {}), ...noPolicy(path) }];
    }
    return Object.entries(RED_HAT).map(([place, images]) => {
      return { subject: of(place), ...judgePlace(policy, conf, place, images) };
    });
  });
}

function judgePlace(
  policy: Policy,
  conf: RegistriesConf | undefined,
  place: string,
  images: readonly string[],
): Statement {
  const narrower = [...(policy.transports.get('docker')?.keys() ?? [])].filter(
    (scope) => scope.startsWith(`${place}/`) && isReachable('docker', scope),
  );
  const within = [...images, ...narrower].filter((image) => !isBlocked(conf, image));
  if (within.length === 0) {
    const message = `images of ${place} are blocked in registries.conf`;
    return { result: 'notapplicable', reason: 'blocked', message };
  }
  const found = within.map((image) => ({ image, ...findScope(policy, 'docker', exact(image)) }));
  const open = found.find(({ requirements }) => acceptsAnything(requirements));
  if (open !== undefined) {
    const by = open.scope === undefined ? 'the default' : `the scope ${JSON.stringify(open.scope)}`;
    const message = `${open.image} is accepted without a signature by ${by}`;
    const observed = { scope: open.scope ?? null, requirements: typesOf(open.requirements) };
    return { result: 'fail', reason: 'unsigned', message, observed };
  }
  if (found.every(({ requirements }) => requirements.some(refusesEverything))) {
    const message = `images of ${place} are refused altogether`;
    return { result: 'notapplicable', reason: 'refused', message };
  }
  return { result: 'pass', message: `images of ${place} have to be signed` };
}

/** A scope with a tag or digest is an image already. */
function exact(image: string): string {
  const { tag, digest } = tryParseReference(image) ?? {};
  return tag === undefined && digest === undefined ? image + SOME_DIGEST : image;
}

function isBlocked(conf: RegistriesConf | undefined, image: string): boolean {
  const reference = tryParseReference(exact(image));
  if (conf === undefined || reference === undefined) return false;
  return resolveRegistry(conf, reference).blocked;
}

/** What the rule `trust.scope-lint` says of each place of a policy that can hardly be meant; acceptance itself can. */
export function scopeLint(policies: readonly ReadPolicy[]): readonly Statement[] {
  return governing(policies).flatMap(({ path, role, policy }): readonly Statement[] => {
    const prefix = role === 'crio' ? `${path} ` : '';
    if (policy === undefined) {
      return [{ ...(role === 'crio' ? { subject: path } : {}), ...noPolicy(path) }];
    }
    const warnings = policyWarnings(policy).filter(({ reason }) => reason !== 'accepts-anything');
    if (warnings.length === 0) {
      const message = `every scope of ${path} speaks for what it names`;
      const subject = role === 'crio' ? { subject: path } : {};
      return [{ ...subject, result: 'pass', message }];
    }
    const byPlace = [...Map.groupBy(warnings, (warning) => warning.path)];
    return byPlace.map(([place, here]): Statement => {
      const reason = here[0]?.reason ?? '';
      const message = `${path}: ${place}: ${here.map((warning) => warning.message).join('; ')}`;
      return { subject: prefix + place, result: 'fail', reason, message };
    });
  });
}

function acceptsAnything(requirements: PolicyRequirements): boolean {
  return requirements.every(({ type }) => type === 'insecureAcceptAnything');
}

function typesOf(requirements: PolicyRequirements): string {
  return requirements.map(({ type }) => type).join(' ');
}

/** The statement of a rule about a policy that another rule calls invalid or unreadable. */
export function noPolicy(path: string): Statement {
  const message = `${path} could not be read, so nothing can be said of what it asks for`;
  return { result: 'unknown', reason: 'no-policy', message };
}
