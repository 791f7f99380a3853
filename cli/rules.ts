import type { Check } from '../agent/check.ts';
import type { Rule } from '../shared/findings.ts';
import { nearest } from '../shared/nearest.ts';
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
  const check = checks.find(({ id }) => id === word);
  const ids = rulesOf(check === undefined ? checks : [check]).map(({ id }) => id);
  const found = check === undefined ? ids.filter((id) => matches(word, id)) : ids;
  if (found.length > 0) return found;
  throw unknownRule(word, checks);
}

/** True when `pattern`, in which `*` stands for any text, is the whole of `text`. */
export function matches(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === text;
  const last = rest.pop() ?? '';
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  // The first place of each piece is the best one: no text is looked at twice.
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return at <= text.length - last.length;
}

export function unknownRule(word: string, checks: readonly Check[]): Error {
  const known = [...checks.map(({ id }) => id), ...rulesOf(checks).map(({ id }) => id)];
  const close = nearest(word, known);
  return usageError(`no check or rule is called '${word}'`, {
    next: close === undefined ? 'nodeseal explain, to see them all' : `did you mean '${close}'?`,
  });
}
