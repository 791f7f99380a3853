import { refusesEverything } from './policy-diff/losses.ts';
import { scopesAbove } from './policy-diff/scopes-above.ts';
import { asksForSignature } from './policy-diff/words.ts';
import { combinationWarnings } from './policy-lint-combinations.ts';
import { isKnownTransport } from './policy-scope-syntax.ts';
import type { Policy, PolicyRequirements } from './policy-types.ts';
import type { PolicyWarning } from './policy-warning.ts';
import { isReachable } from './scope-reach.ts';

/** Transports whose scopes are names of images, as `signedIdentity` compares them. */
const NAMED_BY_IMAGES: ReadonlySet<string> = new Set(['docker', 'docker-daemon', 'atomic']);

/** What containers/image accepts without a word although it can hardly be meant. */
export function policyWarnings(policy: Policy): readonly PolicyWarning[] {
  const warnings = requirementWarnings('default', policy.default);
  for (const [transport, scopes] of policy.transports) {
    if (!isKnownTransport(transport)) {
      const folded = transport.toLowerCase();
      const hint = isKnownTransport(folded) ? `; did you mean "${folded}"?` : '';
      warnings.push({
        path: `transports.${nameInPath(transport)}`,
        reason: 'unknown-transport',
        message: `no transport has this name, so its scopes speak for no image${hint}`,
      });
    }
    for (const [scope, requirements] of scopes) {
      const path = `transports.${nameInPath(transport)}[${JSON.stringify(scope)}]`;
      if (isKnownTransport(transport) && !isReachable(transport, scope)) {
        warnings.push({
          path,
          reason: 'never-matches',
          message: 'no image reference leads to this scope: as written it speaks for no image',
        });
      }
      const parent = signedParent(transport, scope, scopes);
      if (parent !== undefined && acceptsAnything(requirements)) {
        const name = parent === '' ? `every other image of ${transport}` : parent;
        const message = `asks for no signature below ${name}, which asks for one`;
        warnings.push({ path, reason: 'accepts-under-signed', message });
      }
      const names = NAMED_BY_IMAGES.has(transport) ? scope : '';
      warnings.push(...requirementWarnings(path, requirements, names));
    }
  }
  return warnings;
}

/** The scope that would speak in place of this one, when it asks for a signature; "" is the transport's own. */
function signedParent(
  transport: string,
  scope: string,
  scopes: ReadonlyMap<string, PolicyRequirements>,
): string | undefined {
  if (scope === '' || !isReachable(transport, scope)) return undefined;
  const parent = [...scopesAbove(transport, scope), ''].find((name) => scopes.has(name));
  if (parent === undefined) return undefined;
  const isSigned = scopes.get(parent)?.some(asksForSignature) === true;
  return isSigned ? parent : undefined;
}

function acceptsAnything(requirements: PolicyRequirements): boolean {
  return requirements.every(({ type }) => type === 'insecureAcceptAnything');
}

function requirementWarnings(
  path: string,
  requirements: PolicyRequirements,
  scope = '',
): PolicyWarning[] {
  const warnings: PolicyWarning[] = [];
  if (acceptsAnything(requirements)) {
    const message = 'asks for no signature at all';
    warnings.push({ path, reason: 'accepts-anything', message });
  }
  for (const [index, requirement] of requirements.entries()) {
    if (requirement.type === 'reject' || !refusesEverything(requirement)) continue;
    const isUnsupported =
      requirement.type === 'signedBaseLayer' ||
      (requirement.type === 'signedBy' && requirement.keyType !== 'GPGKeys');
    const message = isUnsupported
      ? 'this kind is read but implemented nowhere, so it refuses every image'
      : 'none of its keys can be used, so it refuses every image';
    warnings.push({ path: `${path}[${index}]`, reason: 'never-satisfied', message });
  }
  warnings.push(...combinationWarnings(path, requirements, scope));
  return warnings;
}

function nameInPath(name: string): string {
  return /^[\w-]+$/.test(name) ? name : JSON.stringify(name);
}
