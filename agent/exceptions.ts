import { ConfigError } from '../shared/config.ts';
import { messageOf } from '../shared/errors.ts';
import type { RuleResult } from '../shared/findings.ts';
import { matches } from '../shared/pattern.ts';
import { type Exception, readExceptions } from './exceptions-file.ts';
import type { NamedCheck } from './rule-names.ts';

export interface ExceptionsOptions {
  /** A path of this machine or container, not of the node. */
  readonly file: string;
  /** Name of the node, for entries that are for some nodes only. */
  readonly node: string;
  /** Every check there is: which rules can be named. */
  readonly checks: readonly NamedCheck[];
  /** Told when a check was run for the first time, or uses exceptions otherwise than in its last run. */
  readonly onUse?: () => void;
}

/** One exception and what became of it in this process. */
export interface ExceptionUse {
  readonly exception: Exception;
  /** How many failures it covered when their checks ran last. */
  readonly covered: number;
  /** True when every rule it is for has been asked. */
  readonly isAsked: boolean;
}

/** Why no exception holds: the file cannot be read, or used. */
export interface ExceptionsProblem {
  readonly reason: 'unreadable' | 'invalid';
  /** With file, line and column. */
  readonly message: string;
}

/** The failures of a node that somebody vouched for, as the file has it now. */
export class Exceptions {
  readonly file: string;
  readonly #options: ExceptionsOptions;
  #entries: readonly Exception[] = [];
  #total = 0;
  #problem: ExceptionsProblem | undefined;
  /** By check, what its last run used: `Exception.key` to how often. */
  readonly #used = new Map<string, ReadonlyMap<string, number>>();
  readonly #asked = new Set<string>();

  private constructor(options: ExceptionsOptions) {
    this.#options = options;
    this.file = options.file;
  }

  /** Reads the file; one that cannot be used is a `problem`, never a rejection. */
  static async open(options: ExceptionsOptions): Promise<Exceptions> {
    const exceptions = new Exceptions(options);
    await exceptions.read();
    return exceptions;
  }

  get problem(): ExceptionsProblem | undefined {
    return this.#problem;
  }

  /** Entries of the file, those for other nodes too. */
  get total(): number {
    return this.#total;
  }

  /** The exceptions that are for this node, in the order of the file. */
  get uses(): readonly ExceptionUse[] {
    return this.#entries.map((exception) => ({
      exception,
      covered: [...this.#used.values()].reduce((sum, by) => sum + (by.get(exception.key) ?? 0), 0),
      isAsked: [...exception.ruleIds].every((id) => this.#asked.has(id)),
    }));
  }

  /** Reads the file anew. Half a file, or one with a mistake in it, holds for nothing. */
  async read(): Promise<void> {
    const { file, node, checks } = this.#options;
    try {
      const all = await readExceptions(file, checks);
      this.#total = all.length;
      this.#entries = all.filter((entry) => entry.node === undefined || matches(entry.node, node));
      this.#problem = undefined;
    } catch (error) {
      // Whatever is wrong with this file, the node is looked at all the same.
      const isUnread = error instanceof ConfigError && error.code === 'ERR_CONFIG_READ';
      const reason = isUnread ? 'unreadable' : 'invalid';
      this.#total = 0;
      this.#entries = [];
      this.#problem = { reason, message: messageOf(error) };
    }
  }

  /**
   * Makes each failure that an exception is for `notapplicable` with reason `exception`, never a pass; what was seen
   * stays, and `override` says who vouches for it. One that has expired covers nothing.
   */
  apply(check: NamedCheck, results: readonly RuleResult[], nowMs: number): readonly RuleResult[] {
    const used = new Map<string, number>();
    const applied = results.map((result): RuleResult => {
      const exception = result.result === 'fail' ? this.#exceptionFor(result, nowMs) : undefined;
      if (exception === undefined) return result;
      const { key, owner, reason, until } = exception;
      used.set(key, (used.get(key) ?? 0) + 1);
      const override = { oldResult: 'fail', authority: owner, remark: reason, until } as const;
      return { ...result, result: 'notapplicable', reason: 'exception', override };
    });
    this.#record(check, used);
    return applied;
  }

  #exceptionFor({ ruleId, subject }: RuleResult, nowMs: number): Exception | undefined {
    return this.#entries.find(
      (entry) =>
        entry.ruleIds.has(ruleId) &&
        entry.expiresMs > nowMs &&
        (entry.subject === undefined || (subject !== undefined && matches(entry.subject, subject))),
    );
  }

  #record({ id, rules }: NamedCheck, used: ReadonlyMap<string, number>): void {
    const before = this.#used.get(id);
    this.#used.set(id, used);
    for (const rule of rules) this.#asked.add(rule.id);
    const isSame =
      before?.size === used.size && [...used].every(([key, count]) => before.get(key) === count);
    if (!isSame) this.#options.onUse?.();
  }
}
