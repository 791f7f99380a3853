import { randomUUID } from 'node:crypto';
import type { Json } from '../shared/canonical.ts';
import type { Clock } from '../shared/clock.ts';
import { CodedError } from '../shared/errors.ts';
import { type Command, type CommandResult, LIMITS } from '../shared/protocol.ts';

const CODES = [
  'ERR_COMMAND_TIMEOUT',
  'ERR_COMMAND_REFUSED',
  'ERR_COMMAND_DISCONNECTED',
  'ERR_COMMAND_BUSY',
] as const;
type CommandErrorCode = (typeof CODES)[number];

export class CommandError extends CodedError<CommandErrorCode> {
  /** As another aggregator said it. */
  static from(code: string, message: string): CommandError {
    const known = CODES.find((each) => each === code);
    return new CommandError(known ?? 'ERR_COMMAND_REFUSED', message);
  }
}

interface Asked {
  readonly deadlineMs: number;
  readonly parts: Json[];
  /** JSON of the parts so far, in UTF-16 code units. */
  length: number;
  readonly resolve: (parts: readonly Json[]) => void;
  readonly reject: (error: CommandError) => void;
}

const MAX_OPEN = 32;

/** Commands under way on one session: asked once, answered in parts, never waited for past their deadline. */
export class Commands {
  readonly #send: (frame: Command) => void;
  readonly #clock: Clock;
  readonly #asked = new Map<string, Asked>();

  constructor(send: (frame: Command) => void, clock: Clock) {
    this.#send = send;
    this.#clock = clock;
  }

  /** What the agent answered, part by part. Throws `CommandError`. */
  ask(verb: string, args: Json, withinMs: number): Promise<readonly Json[]> {
    if (this.#asked.size >= MAX_OPEN) {
      throw new CommandError('ERR_COMMAND_BUSY', `${MAX_OPEN} commands are under way`);
    }
    const id = randomUUID();
    const { promise, resolve, reject } = Promise.withResolvers<readonly Json[]>();
    const deadlineMs = this.#clock.monotonicMs() + withinMs;
    this.#asked.set(id, { deadlineMs, parts: [], length: 0, resolve, reject });
    this.#send({
      type: 'command',
      id,
      verb,
      arguments: args,
      deadlineMs: this.#clock.nowMs() + withinMs,
    });
    return promise;
  }

  /** An answer to nothing that was asked, or one too late, is dropped. */
  answered(result: CommandResult): void {
    const asked = this.#asked.get(result.id);
    if (asked === undefined) return;
    if (!result.ok) {
      const why = (result.error ?? 'refused').slice(0, 500);
      this.#end(result.id, asked, new CommandError('ERR_COMMAND_REFUSED', why));
      return;
    }
    const fault = add(asked, result);
    if (fault !== undefined) this.#end(result.id, asked, fault);
    else if (result.part === result.of) this.#end(result.id, asked);
  }

  expire(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [id, asked] of this.#asked) {
      if (nowMs < asked.deadlineMs) continue;
      this.#end(
        id,
        asked,
        new CommandError('ERR_COMMAND_TIMEOUT', 'the node did not answer in time'),
      );
    }
  }

  close(): void {
    for (const [id, asked] of this.#asked) {
      this.#end(id, asked, new CommandError('ERR_COMMAND_DISCONNECTED', 'the node disconnected'));
    }
  }

  #end(id: string, asked: Asked, error?: CommandError): void {
    this.#asked.delete(id);
    if (error === undefined) asked.resolve(asked.parts);
    else asked.reject(error);
  }
}

/** Takes one part; parts come in order, as frames do. What a node may not send ends the command. */
function add(asked: Asked, { part, of, data }: CommandResult): CommandError | undefined {
  const due = asked.parts.length + 1;
  if (part !== due || of < part || of > LIMITS.resultParts) {
    const why = `the node answered with part ${part} of ${of}, expected part ${due}`;
    return new CommandError('ERR_COMMAND_REFUSED', why);
  }
  asked.parts.push(data ?? null);
  // A frame bounds a single one.
  if (of > 1) asked.length += JSON.stringify(data ?? null).length;
  if (asked.length <= LIMITS.resultLength) return undefined;
  return new CommandError('ERR_COMMAND_REFUSED', 'the answer of the node is too long');
}
