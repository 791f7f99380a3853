import type { Policy, PolicyScope } from './policy-types.ts';
import { type ScopeOptions, scopeCandidates } from './scope-candidates.ts';

/**
 * Which entry of a policy speaks for an image: the first candidate that the transport has, then the transport's "",
 * then the policy's default. Nothing is merged, and scopes of other transports are not looked at. The reference is in
 * the transport's own syntax, of `docker` without the `//`. Throws `ImageReferenceError`; containers-policy.json(5).
 */
export function findScope(
  policy: Policy,
  transport: string,
  reference: string,
  options: ScopeOptions = {},
): PolicyScope {
  const candidates = scopeCandidates(transport, reference, options);
  const scopes = policy.transports.get(transport);
  const passedOver: string[] = [];
  for (const scope of [...candidates, '']) {
    const requirements = scopes?.get(scope);
    if (requirements !== undefined) {
      return { section: 'scope', transport, scope, requirements, passedOver };
    }
    passedOver.push(scope);
  }
  return { section: 'default', requirements: policy.default, passedOver };
}
