import { nearest } from '../shared/nearest.ts';
import { matches } from '../shared/pattern.ts';

/** What of a check its names are made of. */
export interface NamedCheck {
  readonly id: string;
  readonly rules: readonly { readonly id: string }[];
}

/**
 * Ids of the rules that a word of a person names: the id of a check (`selinux`) names all of its rules, anything else
 * is the id of a rule in which `*` stands for any text (`trust.*`). Empty when it names nothing.
 */
export function rulesNamed(word: string, checks: readonly NamedCheck[]): readonly string[] {
  const check = checks.find(({ id }) => id === word);
  if (check !== undefined) return check.rules.map(({ id }) => id);
  return ruleIds(checks).filter((id) => matches(word, id));
}

/** The check or rule that a word which names nothing most likely meant; undefined when none is near. */
export function nearestName(word: string, checks: readonly NamedCheck[]): string | undefined {
  return nearest(word, [...checks.map(({ id }) => id), ...ruleIds(checks)]);
}

/** What is wrong with a word that names nothing, for an error about the place where it stands. */
export function unknownName(word: string, checks: readonly NamedCheck[]): string {
  const near = nearestName(word, checks);
  const hint = near === undefined ? '`nodeseal explain` lists them' : `did you mean "${near}"?`;
  return `no check or rule is called "${word}", ${hint}`;
}

function ruleIds(checks: readonly NamedCheck[]): readonly string[] {
  return checks.flatMap(({ rules }) => rules.map(({ id }) => id));
}
