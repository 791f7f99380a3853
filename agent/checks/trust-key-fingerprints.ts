import { sha256 } from '../../shared/canonical.ts';
import type { Observed } from '../../shared/findings.ts';
import type { CheckContext, Statement } from '../check.ts';
import { acceptedOf, type Baseline } from '../desired/baseline.ts';
import { isReadingReason } from '../host.ts';
import { keyFingerprints as rule } from './rules/trust-keys.ts';
import type { UsedKeys } from './trust-key-inventory.ts';

/** What people call keys. A name is no reason to trust one. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['567E347AD0044ADE55BA8A5F199E2F91FD431D51', 'Red Hat release key 2'],
]);
/** More are compared by their hash. */
const MAX_SHOWN = 100;

/**
 * What the rule `trust.key-fingerprints` says of each key that a policy names: it is the one that was accepted. Without
 * a baseline nothing is compared, and what was seen is what a baseline captures.
 */
export function keyFingerprints(
  { baseline }: CheckContext,
  keys: readonly UsedKeys[],
): readonly Statement[] {
  const accepted = acceptedSubjects(baseline);
  const statements: Statement[] = [];
  for (const key of keys) {
    statements.push({ subject: key.subject, ...judge(key, baseline, accepted) });
  }
  const used = new Set(keys.map(({ subject }) => subject));
  for (const subject of accepted ?? []) {
    if (used.has(subject)) continue;
    const message = `${subject} was accepted as a key of the policy, which no longer names it`;
    const expected = acceptedOf(baseline, { ruleId: rule.id, subject }) ?? {};
    statements.push({ subject, result: 'fail', reason: 'missing', message, expected });
  }
  if (statements.length > 0) return statements;
  return [{ result: 'notapplicable', reason: 'no-keys', message: 'no policy names a key' }];
}

/** Subjects of the rule in a baseline; undefined when it says nothing of keys, as one of an earlier version. */
function acceptedSubjects(baseline: Baseline | undefined): readonly string[] | undefined {
  const all = Object.entries(baseline?.observed ?? {});
  const ours = all.filter(([name]) => name === rule.id || name.startsWith(`${rule.id} `));
  if (ours.length === 0) return undefined;
  // One that was missing when it was accepted was accepted as missing.
  return ours
    .filter(([, { fingerprints }]) => fingerprints !== undefined)
    .map(([name]) => name.slice(rule.id.length + 1));
}

function judge(
  { subject, file, facts }: UsedKeys,
  baseline: Baseline | undefined,
  acceptedOnes: readonly string[] | undefined,
): Statement {
  const accepted = acceptedOf(baseline, { ruleId: rule.id, subject });
  if (file !== undefined && !file.path.startsWith('/')) {
    const message = `which file ${subject} is depends on where the program was started`;
    return { result: 'unknown', reason: 'relative-path', message };
  }
  if (file?.problem !== undefined) {
    const { reason, message } = file.problem;
    if (isReadingReason(reason)) return { result: 'error', reason, message };
    if (accepted === undefined) return { result: 'unknown', reason, message };
    return { result: 'fail', reason: 'missing', message, expected: accepted };
  }
  const nameless = facts.find(({ undecided }) => undecided.includes(''));
  if (nameless !== undefined) {
    const message = `${subject}: ${nameless.problem ?? 'its key cannot be read here'}`;
    return { result: 'unknown', reason: 'algorithm-unavailable', message };
  }
  const found = new Set(
    facts.flatMap(({ keys, undecided }) => [...keys.map((key) => key.fingerprint), ...undecided]),
  );
  const observed = shown([...found].sort());
  if (acceptedOnes === undefined) {
    const message = `${subject} holds ${worded(found)}; no baseline says whether it should`;
    return { result: 'notchecked', reason: 'no-baseline', severity: 'info', message, observed };
  }
  if (accepted?.['fingerprints'] === observed['fingerprints']) {
    return { result: 'pass', message: `${subject} holds ${worded(found)}, as accepted`, observed };
  }
  return { ...differing(subject, found, accepted), observed };
}

function differing(
  subject: string,
  found: ReadonlySet<string>,
  accepted: Observed | undefined,
): Statement {
  if (accepted === undefined) {
    const message = `${subject} is no key of the baseline, and holds ${worded(found)}`;
    return { result: 'fail', reason: 'extra', message };
  }
  const before = new Set(
    String(accepted['fingerprints'] ?? '')
      .split(' ')
      .filter(Boolean),
  );
  const [extra, gone] = [found.difference(before), before.difference(found)];
  const reason = extra.size === 0 ? 'missing' : gone.size === 0 ? 'extra' : 'swapped';
  const what = [
    ...(extra.size > 0 ? [`holds ${worded(extra)}, which nobody accepted`] : []),
    ...(gone.size > 0 ? [`no longer holds ${worded(gone)}`] : []),
  ];
  const message = `${subject} ${what.join(' and ')}`;
  return { result: 'fail', reason, message, expected: accepted };
}

function shown(fingerprints: readonly string[]): Observed {
  const text = fingerprints.join(' ');
  return {
    fingerprints: fingerprints.length > MAX_SHOWN ? sha256(text) : text,
    keys: fingerprints.length,
  };
}

function worded(fingerprints: ReadonlySet<string>): string {
  const [first, ...more] = fingerprints;
  if (first === undefined) return 'no key';
  return `${keyName(first)}${more.length === 0 ? '' : ` and ${more.length} more`}`;
}

/** A fingerprint with what people call its key. */
export function keyName(fingerprint: string): string {
  const name = NAMES.get(fingerprint);
  return name === undefined ? fingerprint : `${fingerprint} (${name})`;
}
