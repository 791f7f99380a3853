import { authorityId, openPgpSources, sigstoreSources } from './policy-diff/key-sources.ts';
import { refusesEverything } from './policy-diff/losses.ts';
import { asksForSignature } from './policy-diff/words.ts';
import type { PolicyRequirement, PolicyRequirements, SignedIdentity } from './policy-types.ts';
import type { PolicyWarning } from './policy-warning.ts';
import { referenceText, tryParseReference } from './reference.ts';

/** What a list of requirements, all of which must be met, or an identity in it can hardly be meant to say. */
export function combinationWarnings(
  path: string,
  requirements: PolicyRequirements,
  scope: string,
): readonly PolicyWarning[] {
  return [
    ...refusalWarnings(path, requirements),
    ...keyWarnings(path, requirements),
    ...requirements.flatMap((requirement, index) => {
      const message = 'signedIdentity' in requirement && remapFault(requirement, scope);
      if (typeof message !== 'string') return [];
      return [{ path: `${path}[${index}].signedIdentity`, reason: REMAP, message } as const];
    }),
  ];
}

const REMAP = 'remap-without-effect';

/** One refusal makes the others idle; an acceptance beside others is idle itself. */
function refusalWarnings(path: string, requirements: PolicyRequirements): readonly PolicyWarning[] {
  if (requirements.length < 2) return [];
  if (requirements.some(refusesEverything) && !requirements.every(refusesEverything)) {
    const message =
      'all must be met and one of them refuses every image: the others have no effect';
    return [{ path, reason: 'no-effect', message }];
  }
  const accepting = requirements.findIndex(({ type }) => type === 'insecureAcceptAnything');
  if (accepting === -1 || !requirements.some(asksForSignature)) return [];
  const message = 'all must be met, so accepting anything has no effect beside the others';
  return [{ path: `${path}[${accepting}]`, reason: 'no-effect', message }];
}

/** Each is compared with all others; nobody means to ask for more signatures of one image. */
const MOST_COMPARED = 64;

function keyWarnings(path: string, requirements: PolicyRequirements): readonly PolicyWarning[] {
  const signers = requirements
    .slice(0, MOST_COMPARED)
    .filter(asksForSignature)
    .filter((requirement) => !refusesEverything(requirement))
    .map(signersOf);
  const unrelated = signers.some((one, index) =>
    signers.slice(index + 1).some((other) => one.isDisjointFrom(other)),
  );
  if (!unrelated) return [];
  const message =
    'all must be met: an image needs a signature by each of these keys, not by one of them (that is keyPaths or keyDatas)';
  return [{ path, reason: 'unrelated-keys', message }];
}

/** Names of whoever may sign; equal ones are known to be the same. */
function signersOf(requirement: PolicyRequirement): ReadonlySet<string> {
  if (requirement.type === 'signedBy') {
    return new Set(openPgpSources(requirement).map(({ id }) => `openpgp ${id}`));
  }
  if (requirement.type !== 'sigstoreSigned') return new Set();
  const { fulcio, pki } = requirement;
  const authority =
    fulcio === undefined
      ? authorityId(pki?.caRootsPath, pki?.caRootsData)
      : authorityId(fulcio.caPath, fulcio.caData);
  if (authority !== undefined) return new Set([`authority ${authority}`]);
  return new Set(sigstoreSources(requirement).map(({ id }) => `sigstore ${id}`));
}

/** Why a remapIdentity does nothing, or nothing good, for the images of its scope. */
function remapFault(
  { signedIdentity: identity }: { readonly signedIdentity: SignedIdentity },
  scope: string,
): string | undefined {
  if (identity.type !== 'remapIdentity') return undefined;
  const { prefix, signedPrefix } = identity;
  if (!isNormal(`${prefix}/a/b`)) {
    return `no image has a name that begins with ${prefix}: names are completed before they are compared`;
  }
  if (!isNormal(`${signedPrefix}/a/b`)) {
    return `no signature has a name that begins with ${signedPrefix}: every image of ${prefix} is refused`;
  }
  const isAnywhere = scope === '' || scope.startsWith('*.');
  const isRelated = isWithin(scope, prefix) || isWithin(prefix, scope);
  if (isAnywhere || isRelated) return undefined;
  return `no image of this scope has a name that begins with ${prefix}`;
}

/** True for a name that stays as it is when it is completed. */
function isNormal(name: string): boolean {
  const reference = tryParseReference(name);
  return reference !== undefined && referenceText(reference) === name;
}

function isWithin(name: string, prefix: string): boolean {
  return name === prefix || (name.startsWith(prefix) && /[/:@]/.test(name[prefix.length] ?? ''));
}
