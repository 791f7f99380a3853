import type { ShadowedScope, SimulationCandidate } from '../simulation.ts';
import { scopesAbove } from '../trust/policy-diff/scopes-above.ts';
import type { Policy } from '../trust/policy-types.ts';
import { scopeText } from '../trust-text.ts';

/** What the scopes of a candidate were good for. */
export interface ScopeUse {
  /** Scopes that speak for no image, and are not shadowed. */
  readonly neverMatched: readonly string[];
  readonly shadowed: readonly ShadowedScope[];
}

/** From image uses by the scope that spoke for them: what these scopes take from others. */
export function scopeUse(
  policy: Policy,
  mode: SimulationCandidate['policyMode'],
  uses: ReadonlyMap<string, number>,
): ScopeUse {
  const count = (scope: string): number => uses.get(scope) ?? 0;
  const hidden = new Map<string, string[]>();
  for (const { transport, scope } of scopesOf(policy)) {
    const by = scopeText({ section: 'scope', transport, scope });
    if (count(by) === 0) continue;
    for (const above of scopesAbove(transport, scope)) {
      if (policy.transports.get(transport)?.has(above) !== true) continue;
      const name = scopeText({ section: 'scope', transport, scope: above });
      hidden.set(name, [...(hidden.get(name) ?? []), by]);
    }
  }
  const names = scopesOf(policy).map((one) => scopeText({ section: 'scope', ...one }));
  const all = mode === 'add' ? names : ['default', ...names];
  return {
    neverMatched: all.filter((name) => count(name) === 0 && !hidden.has(name)),
    shadowed: names.flatMap((scope): readonly ShadowedScope[] => {
      const by = hidden.get(scope)?.sort();
      if (by === undefined) return [];
      const taken = by.reduce((sum, one) => sum + count(one), 0);
      return [{ scope, by, hidden: taken, matched: count(scope) }];
    }),
  };
}

function scopesOf(
  policy: Policy,
): readonly { readonly transport: string; readonly scope: string }[] {
  return [...policy.transports].flatMap(([transport, scopes]) =>
    [...scopes.keys()].map((scope) => ({ transport, scope })),
  );
}
