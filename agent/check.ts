import type { Clock } from '../shared/clock.ts';
import { CodedError } from '../shared/errors.ts';
import type { Finding, Observed, Rule } from '../shared/findings.ts';
import type { Result } from '../shared/results.ts';
import type { Baseline } from './desired/baseline.ts';
import type { Exceptions } from './exceptions.ts';
import { type Host, HostError } from './host.ts';
import type { Profile } from './profile.ts';
import type { ProfileValues } from './profile-values.ts';

/** What the agent knows of itself and no file says; the command line, which looks once, knows none of it. */
export interface SelfKnowledge {
  /** Events given up since this process started. */
  readonly lostEvents: () => number;
  /** How far the aggregator's clock is ahead, milliseconds, see `ClockSkew`; undefined before the first connection. */
  readonly serverAheadMs: () => number | undefined;
}

/** What a check may use. Everything it knows of the node comes through `host`. */
export interface CheckContext {
  readonly host: Host;
  readonly clock: Clock;
  /** The accepted state of this node, when one was captured. */
  readonly baseline: Baseline | undefined;
  /** What the profile in force asks for. */
  readonly values: ProfileValues;
  /** How results count; without it as the checks say them. */
  readonly profile?: Profile | undefined;
  /** What somebody vouched for; without it nothing. */
  readonly exceptions?: Exceptions | undefined;
  /** What the process that looks knows of itself and no file says. */
  readonly self?: SelfKnowledge | undefined;
}

/** A question about the node that can be asked again and again without changing it. */
export interface Check {
  readonly id: string;
  readonly title: string;
  readonly rules: readonly Rule[];
  /** Folders of the node whose change asks again. */
  readonly watches: readonly string[];
  /** Further folders, which the node's own configuration names: asked again every 10 s. Never throws for its state. */
  readonly watchesIn?: (host: Host) => Promise<readonly string[]>;
  /** Files of the node that send no events (procfs, sysfs): looked at every 2 s, the check runs when one changed. */
  readonly polls?: readonly string[];
  /** Asked when the others have spoken, for it is about what they said. */
  readonly isLast?: true;
  /** Never throws for a state of the node; what it does throw becomes `error` for every rule of the check. */
  run(context: CheckContext, signal: AbortSignal): Promise<readonly Finding[]>;
}

/** What a rule says when it has looked: result, one sentence, evidence. */
export interface Statement {
  readonly result: Result;
  readonly message: string;
  readonly observed?: Observed;
  readonly expected?: Observed;
  readonly reason?: string;
  readonly subject?: string;
  /** When this failure weighs otherwise than the rule in general. */
  readonly severity?: Rule['severity'];
}

/** A statement made under a rule. */
export function finding(rule: Rule, statement: Statement): Finding {
  const { severity, observed, ...rest } = statement;
  return {
    ...rest,
    ruleId: rule.id,
    severity: severity ?? rule.severity,
    observed: observed ?? {},
  };
}

/**
 * Asks one rule and turns a file that cannot be read as asked into `error` for this rule alone, so that the
 * others still speak. Anything else that is thrown is a broken assumption and goes on to the runner.
 */
export async function ask(
  rule: Rule,
  look: () => Promise<Statement | readonly Statement[]>,
): Promise<readonly Finding[]> {
  try {
    const statements = await look();
    return [statements].flat().map((statement) => finding(rule, statement));
  } catch (error) {
    if (!isFileError(error)) throw error;
    return [
      finding(rule, {
        result: 'error',
        reason: error.reason ?? 'parse',
        message: error.message,
        observed: { path: error.path },
      }),
    ];
  }
}

/** An error about one file of the node: it cannot be read as asked, or does not say what its format asks. */
export interface FileError extends CodedError<string> {
  /** The path as the node sees it. */
  readonly path: string;
  /** Reason of the result; that of an error of content is `parse`. */
  readonly reason?: string;
}

export function isFileError(error: unknown): error is FileError {
  return error instanceof CodedError && 'path' in error && String(error.path).startsWith('/');
}

/** What a file says, where it only explains a result: undefined when it cannot be read. */
export async function whereReadable<T>(look: Promise<T>): Promise<T | undefined> {
  try {
    return await look;
  } catch (error) {
    if (error instanceof HostError) return undefined;
    throw error;
  }
}
