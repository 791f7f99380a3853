import { CodedError } from '../shared/errors.ts';

export const HOST_ERROR_CODES = [
  'ERR_HOST_ROOT',
  'ERR_HOST_PERMISSION',
  'ERR_HOST_TOO_LARGE',
  'ERR_HOST_NOT_A_FILE',
  'ERR_HOST_NOT_A_FOLDER',
  'ERR_HOST_LINK_LOOP',
  'ERR_HOST_ENCODING',
  'ERR_HOST_CHANGED',
  'ERR_HOST_NOT_VISIBLE',
  'ERR_HOST_IO',
] as const;
export type HostErrorCode = (typeof HOST_ERROR_CODES)[number];

/** Something is there but could not be read as asked; what is simply absent is `undefined`, never this. */
export class HostError extends CodedError<HostErrorCode> {
  /** The path as the node sees it. */
  readonly path: string;
  constructor(code: HostErrorCode, path: string, message: string, options?: ErrorOptions) {
    super(code, `${path}: ${message}`, options);
    this.path = path;
  }
  /** The code as a reason of a result: `permission`, `too-large`, … */
  get reason(): string {
    return reasonOf(this.code);
  }
}

/** True for a reason that says the node could not be read, not that what was read is wrong. */
export function isReadingReason(reason: string): boolean {
  return HOST_ERROR_CODES.some((code) => reasonOf(code) === reason);
}

function reasonOf(code: HostErrorCode): string {
  return code.slice('ERR_HOST_'.length).toLowerCase().replaceAll('_', '-');
}

const CODES: Readonly<Record<string, readonly [HostErrorCode, string]>> = {
  EACCES: ['ERR_HOST_PERMISSION', 'permission denied'],
  EPERM: ['ERR_HOST_PERMISSION', 'operation not permitted'],
  ELOOP: ['ERR_HOST_LINK_LOOP', 'too many links'],
  ENOTDIR: ['ERR_HOST_NOT_A_FOLDER', 'expected a folder'],
  EISDIR: ['ERR_HOST_NOT_A_FILE', 'expected a regular file'],
};

/** Turns an errno code into one of two answers: undefined for what is not there, or a `HostError`. */
export function absent(error: unknown, path: string): undefined {
  if (error instanceof HostError) throw error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  // ESRCH: the process whose folder in /proc it was is gone.
  if (code === 'ENOENT' || code === 'ESRCH') return undefined;
  const [known, message] = CODES[code] ?? ['ERR_HOST_IO', `could not be read (${code || error})`];
  throw new HostError(known, path, message, { cause: error });
}
