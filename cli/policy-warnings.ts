import { isKnownTransport } from '../shared/trust/policy-scope-syntax.ts';
import type { Policy, PolicyRequirements } from '../shared/trust/policy-types.ts';
import { isReachable } from '../shared/trust/scope-reach.ts';

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
      if (isKnownTransport(transport) && !isReachable(transport, scope)) {
        warnings.push({
          path,
          reason: 'never-matches',
          message: 'no image reference leads to this scope: as written it speaks for no image',
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

function nameInPath(name: string): string {
  return /^[\w-]+$/.test(name) ? name : JSON.stringify(name);
}
