import type { Check } from '../agent/check.ts';
import { nearestName, rulesNamed } from '../agent/rule-names.ts';
import type { Rule } from '../shared/findings.ts';
import { usageError } from './errors.ts';

/** Every rule of some checks, in their order. */
export function rulesOf(checks: readonly Check[]): readonly Rule[] {
  return checks.flatMap(({ rules }) => rules);
}

/**
 * Which rules `--only` and `--skip` leave: each word is the id of a check (`selinux`) or of a rule, in which `*`
 * stands for anything (`trust.*`). A word that names nothing is a usage error.
 */
export function selectRules(
  checks: readonly Check[],
  only: readonly string[],
  skip: readonly string[],
): ReadonlySet<string> {
  const wanted = only.flatMap((word) => idsFor(word, checks));
  const unwanted = new Set(skip.flatMap((word) => idsFor(word, checks)));
  const ids = only.length > 0 ? wanted : rulesOf(checks).map(({ id }) => id);
  return new Set(ids.filter((id) => !unwanted.has(id)));
}

function idsFor(word: string, checks: readonly Check[]): readonly string[] {
  const found = rulesNamed(word, checks);
  if (found.length > 0) return found;
  throw unknownRule(word, checks);
}

export function unknownRule(word: string, checks: readonly Check[]): Error {
  const close = nearestName(word, checks);
  return usageError(`no check or rule is called '${word}'`, {
    next: close === undefined ? 'nodeseal explain, to see them all' : `did you mean '${close}'?`,
  });
}
