import type { Json } from '../../shared/canonical.ts';
import { messageOf } from '../../shared/errors.ts';
import { type Command, type CommandResult, LIMITS } from '../../shared/protocol.ts';

/**
 * What an aggregator may ask for; a verb that is not among them is answered `unsupported`. Every verb only reads, and
 * answers in parts of which each fits into a frame. The signal is aborted at the deadline.
 */
export type Verbs = Readonly<
  Record<string, (command: Command, signal: AbortSignal) => Promise<readonly Json[]>>
>;

/** A command that comes again gets the first answer, of so many. */
const REMEMBERED = 256;
/**
 * An answer of more parts or characters of JSON is made anew for a command that comes again: it would only take up
 * memory, the more the more often a policy was rehearsed.
 */
const REMEMBERED_PARTS = 1;
const REMEMBERED_LENGTH = 8192;

/** Answers commands, each id once. Lives as long as the agent: a command may be repeated over a new connection. */
export class CommandAnswers {
  readonly #verbs: Verbs;
  readonly #answers = new Map<string, Promise<readonly CommandResult[]>>();

  constructor(verbs: Verbs) {
    this.#verbs = verbs;
  }

  /** What an aggregator can see of this agent before it asks: `command.rescan`. */
  get capabilities(): readonly string[] {
    return Object.keys(this.#verbs).map((verb) => `command.${verb}`);
  }

  /** Every part of the answer, in order. Never rejects. `nowMs` is in the aggregator's time, as the deadline is. */
  async answer(command: Command, nowMs: number): Promise<readonly CommandResult[]> {
    const known = this.#answers.get(command.id);
    if (known !== undefined) return await known;
    const answer = this.#run(command, nowMs);
    this.#answers.set(command.id, answer);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > REMEMBERED && oldest !== undefined) this.#answers.delete(oldest);
    const parts = await answer;
    if (!isShort(parts)) this.#answers.delete(command.id);
    return parts;
  }

  async #run(command: Command, nowMs: number): Promise<readonly CommandResult[]> {
    const { id, verb, deadlineMs } = command;
    const refuse = (error: string): readonly CommandResult[] => [
      { type: 'result', id, part: 1, of: 1, ok: false, error },
    ];
    const run = Object.hasOwn(this.#verbs, verb) ? this.#verbs[verb] : undefined;
    if (run === undefined) return refuse('unsupported');
    const leftMs = deadlineMs - nowMs;
    if (leftMs <= 0) return refuse('deadline');
    const { promise: late, resolve } = Promise.withResolvers<undefined>();
    const ending = new AbortController();
    const end = (): void => {
      resolve(undefined);
      ending.abort(new Error('deadline'));
    };
    const timer = setTimeout(end, Math.min(leftMs, 2 ** 31 - 1));
    try {
      const parts = await Promise.race([run(command, ending.signal), late]);
      if (parts === undefined) return refuse('deadline');
      const of = parts.length;
      if (of === 0 || of > LIMITS.resultParts) return refuse(`an answer of ${of} parts`);
      return parts.map((data, at) => ({ type: 'result', id, part: at + 1, of, ok: true, data }));
    } catch (error) {
      return refuse(messageOf(error).slice(0, 500));
    } finally {
      clearTimeout(timer);
    }
  }
}

function isShort(parts: readonly CommandResult[]): boolean {
  return parts.length <= REMEMBERED_PARTS && JSON.stringify(parts).length <= REMEMBERED_LENGTH;
}
