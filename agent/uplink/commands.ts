import type { Json } from '../../shared/canonical.ts';
import { messageOf } from '../../shared/errors.ts';
import type { Command, CommandResult } from '../../shared/protocol.ts';

/** What an aggregator may ask for; a verb that is not among them is answered `unsupported`. Every verb only reads. */
export type Verbs = Readonly<Record<string, (command: Command) => Promise<Json>>>;

/** A command that comes again gets the first answer, of so many. */
const REMEMBERED = 256;

/** Answers commands, each id once. Lives as long as the agent: a command may be repeated over a new connection. */
export class CommandAnswers {
  readonly #verbs: Verbs;
  readonly #answers = new Map<string, Promise<CommandResult>>();

  constructor(verbs: Verbs) {
    this.#verbs = verbs;
  }

  /** Never rejects. `nowMs` is in the aggregator's time, as the deadline is. */
  async answer(command: Command, nowMs: number): Promise<CommandResult> {
    const known = this.#answers.get(command.id);
    if (known !== undefined) return await known;
    const answer = this.#run(command, nowMs);
    this.#answers.set(command.id, answer);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > REMEMBERED && oldest !== undefined) this.#answers.delete(oldest);
    return await answer;
  }

  async #run(command: Command, nowMs: number): Promise<CommandResult> {
    const { id, verb, deadlineMs } = command;
    const result = { type: 'result', id, part: 1, of: 1 } as const;
    const run = Object.hasOwn(this.#verbs, verb) ? this.#verbs[verb] : undefined;
    if (run === undefined) return { ...result, ok: false, error: 'unsupported' };
    const leftMs = deadlineMs - nowMs;
    if (leftMs <= 0) return { ...result, ok: false, error: 'deadline' };
    const { promise: late, resolve } = Promise.withResolvers<CommandResult>();
    const timer = setTimeout(
      () => resolve({ ...result, ok: false, error: 'deadline' }),
      Math.min(leftMs, 2 ** 31 - 1),
    );
    try {
      const done = run(command).then((data): CommandResult => ({ ...result, ok: true, data }));
      return await Promise.race([done, late]);
    } catch (error) {
      return { ...result, ok: false, error: messageOf(error).slice(0, 500) };
    } finally {
      clearTimeout(timer);
    }
  }
}
