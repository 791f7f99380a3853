import { counted } from '../../shared/counted.ts';
import type { Finding, Observed, Rule } from '../../shared/findings.ts';
import { type Check, type CheckContext, finding, type Statement } from '../check.ts';
import type { Exceptions, ExceptionUse } from '../exceptions.ts';
import * as rules from './rules/exceptions.ts';

/** The file of exceptions itself: that it can be used, is in date, and is for something. */
export const exceptions: Check = {
  id: 'exceptions',
  title: 'Exceptions are valid, in date and needed',
  rules: [rules.valid, rules.expired, rules.unused],
  watches: [],
  isLast: true,
  run,
};

async function run({ exceptions: held, clock }: CheckContext): Promise<readonly Finding[]> {
  if (held === undefined) {
    return all({
      result: 'notapplicable',
      reason: 'no-exceptions',
      message: 'no file of exceptions is configured',
    });
  }
  const { problem, uses } = held;
  if (problem !== undefined) return broken(held.file, problem);
  return [
    finding(rules.valid, valid(held)),
    ...each(rules.expired, uses, (use) => expired(use, clock.nowMs())),
    ...each(rules.unused, uses, (use) => unused(use, clock.nowMs())),
  ];
}

function broken(
  file: string,
  { reason, message }: NonNullable<Exceptions['problem']>,
): readonly Finding[] {
  const text = `no exception holds: ${message}`;
  const unknown: Statement = {
    result: 'unknown',
    reason: 'not-read',
    message: `the exceptions in ${file} could not be read`,
  };
  return [
    finding(rules.valid, { result: 'fail', reason, message: text, observed: { path: file } }),
    finding(rules.expired, unknown),
    finding(rules.unused, unknown),
  ];
}

function valid({ file, total, uses }: Exceptions): Statement {
  const message = `${file} has ${counted(total, 'exception')}, ${uses.length} for this node`;
  return { result: 'pass', message, observed: { total, here: uses.length } };
}

/** One statement an entry. */
function each(
  rule: Rule,
  uses: readonly ExceptionUse[],
  say: (use: ExceptionUse) => Statement,
): readonly Finding[] {
  if (uses.length > 0) {
    return uses.map((use) => finding(rule, { ...say(use), subject: use.exception.key }));
  }
  const message = 'there is no exception for this node';
  return [finding(rule, { result: 'notapplicable', reason: 'no-exceptions', message })];
}

function expired(use: ExceptionUse, nowMs: number): Statement {
  const { key, owner, until, reason } = use.exception;
  const observed = observe(use);
  if (isExpired(use, nowMs)) {
    const message = `the exception of ${owner} for ${key} held until ${until}; it was given because: ${reason}`;
    return { result: 'fail', reason: 'expired', message, observed };
  }
  const message = `the exception of ${owner} for ${key} holds until ${until}`;
  return { result: 'pass', message, observed };
}

function unused(use: ExceptionUse, nowMs: number): Statement {
  const { key } = use.exception;
  const observed = observe(use);
  if (use.covered > 0) {
    const message = `the exception for ${key} covers ${counted(use.covered, 'failure')}`;
    return { result: 'pass', message, observed };
  }
  if (isExpired(use, nowMs)) {
    const message = `the exception for ${key} has expired`;
    return { result: 'notapplicable', reason: 'expired', message, observed };
  }
  if (!use.isAsked) {
    const message = `whether the exception for ${key} covers anything is not known: not all of its rules were asked`;
    return { result: 'notapplicable', reason: 'not-asked', message, observed };
  }
  const message = `the exception for ${key} covers nothing on this node`;
  return { result: 'notapplicable', reason: 'informational', message, observed };
}

function isExpired({ exception }: ExceptionUse, nowMs: number): boolean {
  return exception.expiresMs <= nowMs;
}

function observe({ exception, covered }: ExceptionUse): Observed {
  return { owner: exception.owner, until: exception.until, covered };
}

function all(statement: Statement): readonly Finding[] {
  return exceptions.rules.map((rule) => finding(rule, statement));
}
