import { isKnownTransport } from '../shared/trust/policy-scope-syntax.ts';
import type { Policy, PolicyRequirements } from '../shared/trust/policy-types.ts';
import { referenceText, tryParseReference } from '../shared/trust/reference.ts';

/** Something of a valid policy that is most likely not what its author wants. */
export interface PolicyWarning {
  readonly path: string;
  readonly reason: 'accepts-anything' | 'unknown-transport' | 'never-matches' | 'never-satisfied';
  readonly message: string;
}

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
      if (transport === 'docker' && !canMatchDocker(scope)) {
        warnings.push({
          path,
          reason: 'never-matches',
          message:
            'no image reference leads to this scope: expected host[:port][/path][:tag|@digest] or *.domain',
        });
      }
      warnings.push(...requirementWarnings(path, requirements));
    }
  }
  return warnings;
}

function requirementWarnings(path: string, requirements: PolicyRequirements): PolicyWarning[] {
  const warnings: PolicyWarning[] = [];
  if (requirements.every(({ type }) => type === 'insecureAcceptAnything')) {
    const message = 'asks for no signature at all';
    warnings.push({ path, reason: 'accepts-anything', message });
  }
  for (const [index, requirement] of requirements.entries()) {
    const unsupported =
      requirement.type === 'signedBaseLayer' ||
      (requirement.type === 'signedBy' && requirement.keyType !== 'GPGKeys');
    if (!unsupported) continue;
    warnings.push({
      path: `${path}[${index}]`,
      reason: 'never-satisfied',
      message: 'this kind is read but implemented nowhere, so it refuses every image',
    });
  }
  return warnings;
}

/** As docker/policyconfiguration/naming.go builds the scopes of a reference. */
function canMatchDocker(scope: string): boolean {
  if (scope === '') return true;
  if (scope.startsWith('*.')) return /^[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*$/.test(scope.slice(2));
  const reference = tryParseReference(scope);
  const isComplete = reference !== undefined && referenceText(reference) === scope;
  const isBoth = reference?.tag !== undefined && reference.digest !== undefined;
  // A host or a namespace is no reference by itself: something below it must be.
  const below = `${scope}/x`;
  return (isComplete && !isBoth) || tryParseReference(below)?.name === below;
}

function nameInPath(name: string): string {
  return /^[\w-]+$/.test(name) ? name : JSON.stringify(name);
}
