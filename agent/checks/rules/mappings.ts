import type { Mapping } from '../../../shared/findings.ts';

/** Ids by framework, as their own documents write them. */
export interface Controls {
  readonly CaC?: readonly string[];
  readonly CIS?: readonly string[];
  readonly STIG?: readonly string[];
  readonly nist53?: readonly string[];
  readonly nist190?: readonly string[];
}

/** Controls whose own content names the test we make; sections of SP 800-190 never do and stay derived. */
export function upstream(controls: Controls): readonly Mapping[] {
  return mappings('upstream', controls);
}

/** Controls with the same intent, by our judgement. */
export function derived(controls: Controls): readonly Mapping[] {
  return mappings('derived', controls);
}

function mappings(basis: Mapping['basis'], controls: Controls): readonly Mapping[] {
  const of = (framework: Mapping['framework'], ids: readonly string[] = []): readonly Mapping[] =>
    ids.map((id) => ({ framework, id, basis: framework === '800-190' ? 'derived' : basis }));
  return [
    ...of('CaC', controls.CaC),
    ...of('CIS', controls.CIS),
    ...of('STIG', controls.STIG),
    ...of('800-53', controls.nist53),
    ...of('800-190', controls.nist190),
  ];
}
