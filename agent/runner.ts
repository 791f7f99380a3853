import { rfc3339 } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { Finding, Rule, RuleResult } from '../shared/findings.ts';
import { combine, type Result } from '../shared/results.ts';
import { type Check, type CheckContext, finding } from './check.ts';
import { applyProfile, isAsked, tailoringOf } from './profile.ts';
import { limitResults } from './result-limit.ts';

/** What one check said in one run; `result` speaks for all of its `results`. */
export interface CheckResult {
  readonly checkId: string;
  readonly result: Result;
  readonly results: readonly RuleResult[];
  /** RFC 3339. */
  readonly startedAt: string;
  readonly durationMs: number;
}

export interface RunOptions {
  /** A check that takes longer is an `error` with reason `timeout`; default 30 s. */
  readonly limitMs?: number;
  /** Gives up: the run is rejected with its reason. */
  readonly signal?: AbortSignal;
  /** Told of what a check threw, for the log; the result has the message alone. */
  readonly onCrash?: (checkId: string, error: unknown) => void;
}

const DEFAULT_LIMIT_MS = 30_000;
const MAX_MESSAGE_LENGTH = 500;

/** Runs every check beside the others, those that are last after them; results in the order of `checks`. */
export async function runChecks(
  checks: readonly Check[],
  context: CheckContext,
  options: RunOptions = {},
): Promise<readonly CheckResult[]> {
  const run = (check: Check): Promise<CheckResult> => runCheck(check, context, options);
  const first = checks.map((check) => (check.isLast ? undefined : run(check)));
  await Promise.all(first);
  return await Promise.all(checks.map((check, at) => first[at] ?? run(check)));
}

/**
 * Runs one check. Every rule of it has at least one result: what the check throws, or too long a run, is `error` for
 * all of them (reason `crashed`, `timeout`); a rule it said nothing of is `notchecked`. What it says is weighed by the
 * profile of the context, then by its exceptions: here and nowhere else, so that agent and command line cannot differ.
 * Rejects only when `options.signal` aborts. A check that does not obey its signal is left behind, its late answer
 * ignored.
 */
export async function runCheck(
  check: Check,
  context: CheckContext,
  options: RunOptions = {},
): Promise<CheckResult> {
  const startedAt = rfc3339(context.clock.nowMs());
  const startMs = context.clock.monotonicMs();
  const findings = await findingsOf(check, context, options);
  const rules = new Map(check.rules.map((rule) => [rule.id, rule]));
  const said = findings.flatMap((found) => {
    const rule = rules.get(found.ruleId);
    return rule === undefined ? [] : [describe(check, rule, found)];
  });
  const { profile, exceptions } = context;
  const counted = profile === undefined ? said : applyProfile(check.rules, said, profile);
  const judged = exceptions?.apply(check, counted, context.clock.nowMs()) ?? counted;
  const results = limitResults(judged);
  return {
    checkId: check.id,
    result: combine(results.map(({ result }) => result)),
    results,
    startedAt,
    durationMs: Math.round((context.clock.monotonicMs() - startMs) * 10) / 10,
  };
}

async function findingsOf(
  check: Check,
  context: CheckContext,
  options: RunOptions,
): Promise<readonly Finding[]> {
  const limitMs = options.limitMs ?? DEFAULT_LIMIT_MS;
  const { profile } = context;
  // What nobody wants to know is not looked at.
  if (profile !== undefined && !check.rules.some(({ id }) => isAsked(tailoringOf(profile, id)))) {
    return unspoken(check, []);
  }
  try {
    const found = await limited((signal) => check.run(context, signal), limitMs, options.signal);
    return [...assertRules(check, found), ...unspoken(check, found)];
  } catch (error) {
    options.signal?.throwIfAborted();
    const isTimeout = error instanceof TimeLimitError;
    if (!isTimeout) options.onCrash?.(check.id, error);
    return check.rules.map((rule) =>
      finding(rule, {
        result: 'error',
        reason: isTimeout ? 'timeout' : 'crashed',
        message: isTimeout
          ? `the check ${check.id} took longer than ${limitMs} ms`
          : `the check ${check.id} failed: ${messageOf(error).slice(0, MAX_MESSAGE_LENGTH)}`,
      }),
    );
  }
}

class TimeLimitError extends Error {}

async function limited<T>(
  run: (signal: AbortSignal) => Promise<T>,
  limitMs: number,
  outer: AbortSignal | undefined,
): Promise<T> {
  outer?.throwIfAborted();
  const inner = new AbortController();
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const end = (reason: unknown): void => {
    inner.abort(reason);
    reject(reason);
  };
  const onAbort = (): void => end(outer?.reason);
  const timer = setTimeout(() => end(new TimeLimitError()), limitMs);
  outer?.addEventListener('abort', onAbort, { once: true });
  try {
    // An `async` wrapper, so that a check that throws before its first await is no different.
    return await Promise.race([(async () => await run(inner.signal))(), ended]);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', onAbort);
  }
}

/** A finding under a rule that is not the check's would have no title and no remediation. */
function assertRules(check: Check, found: readonly Finding[]): readonly Finding[] {
  for (const { ruleId } of found) {
    if (!check.rules.some((rule) => rule.id === ruleId)) {
      throw new Error(`said something of ${ruleId}, which is not a rule of it`);
    }
  }
  return found;
}

/** No data is not a pass. */
function unspoken(check: Check, found: readonly Finding[]): readonly Finding[] {
  return check.rules
    .filter((rule) => !found.some(({ ruleId }) => ruleId === rule.id))
    .map((rule) =>
      finding(rule, {
        result: 'notchecked',
        reason: 'no-statement',
        message: `the check ${check.id} said nothing of this rule`,
      }),
    );
}

function describe(check: Check, rule: Rule, found: Finding): RuleResult {
  const { title, remediation, mappings } = rule;
  return { ...found, checkId: check.id, title, remediation, mappings };
}
