import { CodedError } from '../shared/errors.ts';
import { EXIT, type ExitCode } from './exit.ts';

export type CliErrorCode =
  | 'ERR_CLI_USAGE'
  | 'ERR_CLI_UNREACHABLE'
  | 'ERR_CLI_NOT_ALLOWED'
  | 'ERR_CLI_NOT_FOUND'
  | 'ERR_CLI_INPUT';

const EXIT_OF: Readonly<Record<CliErrorCode, ExitCode>> = {
  ERR_CLI_USAGE: EXIT.usage,
  ERR_CLI_UNREACHABLE: EXIT.unreachable,
  ERR_CLI_NOT_ALLOWED: EXIT.unreachable,
  ERR_CLI_NOT_FOUND: EXIT.notFound,
  ERR_CLI_INPUT: EXIT.inputInvalid,
};

export interface CliErrorOptions extends ErrorOptions {
  /** What stood in the way, when `what` does not say it. */
  readonly why?: string;
  /** What the person can do now. */
  readonly next?: string;
}

/** A failure told to the person at the terminal as what / why / next; its code decides the exit code. */
export class CliError extends CodedError<CliErrorCode> {
  readonly why: string | undefined;
  readonly next: string | undefined;

  constructor(code: CliErrorCode, what: string, options: CliErrorOptions = {}) {
    super(code, what, options);
    this.why = options.why;
    this.next = options.next;
  }

  get exit(): ExitCode {
    return EXIT_OF[this.code];
  }
}

/** An error of how the command was called. */
export function usageError(what: string, options: CliErrorOptions = {}): CliError {
  return new CliError('ERR_CLI_USAGE', what, options);
}
