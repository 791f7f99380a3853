import type { Json } from './canonical.ts';
import { type Clock, rfc3339 } from './clock.ts';
import type { LogFields, Logger, LogLevel } from './log.ts';

const MAX_LINES = 200;
/** Longest value of a field, and longest message, in UTF-16 code units. */
const MAX_TEXT = 500;

/** The last lines of a log, for whoever has to find out what happened. Debug lines are not kept. */
export class LogTail {
  readonly #clock: Clock;
  readonly #lines: Json[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Oldest first. */
  get lines(): readonly Json[] {
    return [...this.#lines];
  }

  /** The same log, of which the last lines are kept here. */
  of(log: Logger, above: LogFields = {}): Logger {
    const write =
      (level: Exclude<LogLevel, 'debug'>) =>
      (fields: LogFields, message: string): void => {
        this.#keep(level, { ...above, ...fields }, message);
        log[level](fields, message);
      };
    return {
      debug: (fields, message) => log.debug(fields, message),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: (fields) => this.of(log.child(fields), { ...above, ...fields }),
    };
  }

  #keep(level: LogLevel, fields: LogFields, message: string): void {
    const shown = Object.entries(fields).map(([name, value]) => [name, textOf(value)] as const);
    const time = rfc3339(this.#clock.nowMs());
    const msg = message.slice(0, MAX_TEXT);
    this.#lines.push({ time, level, msg, ...Object.fromEntries(shown) });
    if (this.#lines.length > MAX_LINES) this.#lines.shift();
  }
}

function textOf(value: unknown): Json {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  const text = value instanceof Error ? value.message : value;
  return (typeof text === 'string' ? text : (JSON.stringify(text) ?? '')).slice(0, MAX_TEXT);
}
