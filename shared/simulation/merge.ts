import { canonicalJson, type Json } from '../canonical.ts';
import type { Policy, PolicyRequirement, PolicyRequirements } from '../trust/policy-types.ts';

/**
 * A policy with the requirements of another one added to those of the same scope, all of which must then be met. A plain
 * acceptance beside them is left out, and what is there already is not added again: as the machine-config-operator renders
 * a ClusterImagePolicy. The default stays.
 */
export function addRequirements(base: Policy, added: Policy): Policy {
  const transports = new Map([...base.transports].map(([name, scopes]) => [name, new Map(scopes)]));
  for (const [transport, scopes] of added.transports) {
    const known = transports.get(transport) ?? new Map<string, PolicyRequirements>();
    transports.set(transport, known);
    for (const [scope, requirements] of scopes) {
      known.set(scope, joined(known.get(scope) ?? [], requirements));
    }
  }
  return { default: base.default, transports };
}

function joined(present: PolicyRequirements, added: PolicyRequirements): PolicyRequirements {
  const kept = present.filter(({ type }) => type !== 'insecureAcceptAnything');
  const known = new Set(kept.map(textOf));
  return [...kept, ...added.filter((requirement) => !known.has(textOf(requirement)))];
}

function textOf(requirement: PolicyRequirement): string {
  return canonicalJson({ ...requirement } as unknown as Json); // plain data of JSON as it stood in the policy
}
