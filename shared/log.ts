import { pino } from 'pino';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Named values beside a message; an `Error` under `err` is written with its type, code and stack. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes one JSON object a line, for journald or the container runtime to collect. Never hand it a secret. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** The same log with these fields on every line. */
  child(fields: LogFields): Logger;
}

export interface LogOptions {
  readonly program: string;
  readonly level: LogLevel;
  /** File descriptor; default standard output. */
  readonly fd?: number;
}

/** The one log of a program. Synchronous: what was logged before a crash is there. */
export function createLogger(options: LogOptions): Logger {
  return pino(
    {
      level: options.level,
      base: { program: options.program, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: options.fd ?? 1, sync: true }),
  );
}
