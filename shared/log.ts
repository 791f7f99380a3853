import { fstatSync, writeSync } from 'node:fs';
import { type DestinationStream, pino } from 'pino';
import { rfc3339 } from './clock.ts';

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

/** sd-daemon(3): how journald is told the priority of a line. */
const PRIORITY: Readonly<Record<LogLevel, string>> = {
  debug: '<7>',
  info: '<6>',
  warn: '<4>',
  error: '<3>',
};

/**
 * The one log of a program. Synchronous: what was logged before a crash is there. Where it goes to the journal, each line
 * begins with its priority, so that `journalctl -p warning` finds it.
 */
export function createLogger(
  options: LogOptions,
  journalStream: string | undefined = process.env['JOURNAL_STREAM'],
): Logger {
  const fd = options.fd ?? 1;
  return pino(
    {
      level: options.level,
      base: { program: options.program, pid: process.pid },
      timestamp: () => `,"time":"${rfc3339(Date.now())}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    isJournal(fd, journalStream) ? journal(fd) : pino.destination({ fd, sync: true }),
  );
}

/** systemd names the device and inode of what it connected; a program started from here may have another output. */
function isJournal(fd: number, journalStream: string | undefined): boolean {
  if (journalStream === undefined) return false;
  const { dev, ino } = fstatSync(fd);
  return journalStream === `${dev}:${ino}`;
}

function journal(fd: number): DestinationStream {
  return {
    write(line) {
      const level = /^\{"level":"(debug|info|warn|error)"/.exec(line)?.[1] ?? 'info';
      writeSync(fd, PRIORITY[level as LogLevel] + line); // the expression has only these
    },
  };
}
