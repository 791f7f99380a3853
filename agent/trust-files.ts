import { posix } from 'node:path';
import { sha256 } from '../shared/canonical.ts';
import { CodedError } from '../shared/errors.ts';
import { memoryPerHost } from './content-memory.ts';
import { type Host, HostError } from './host.ts';

/** Reason of a problem: which file the node's tools read is not told by its files, and nothing can be said of it. */
export const UNDECIDED = 'undecided';

/** Why something of the trust configuration cannot be used: the node's own tools would refuse it as well. */
export interface TrustProblem {
  /** `missing`, `UNDECIDED`, a reason of reading (`permission`, `too-large`, …) or a class of the parser (`unknown-field`, …). */
  readonly reason: string;
  readonly message: string;
  /** The file or folder at fault. */
  readonly path: string;
  /** Member at fault, `transports.docker["quay.io"][0].type`. */
  readonly member?: string;
  /** From 1, when the fault has a place in the file. */
  readonly line?: number;
  readonly column?: number;
}

/** A file that takes part in the node's trust in images. */
export interface TrustFile {
  readonly path: string;
  /** `sha256:…` of the bytes; absent when they could not be read. */
  readonly sha256?: string;
  readonly problem?: TrustProblem;
}

/** A file with what was in it; no bytes means `problem`. */
export interface TrustContent extends TrustFile {
  readonly bytes?: Uint8Array;
}

/** Keys and files of registries; a node has some ten of each. */
const MAX_FILES = 256;
const contentsOf = memoryPerHost({
  make: (bytes): Pick<TrustContent, 'sha256' | 'bytes'> => ({ sha256: sha256(bytes), bytes }),
  maxFiles: MAX_FILES,
});

/**
 * A file of the trust configuration; what keeps it from being read is in the answer. As long as it does not change it is
 * read and hashed once.
 */
export async function readTrustFile(host: Host, path: string): Promise<TrustContent> {
  try {
    const content = await contentsOf(host).of(path);
    if (content === undefined) return { path, problem: missing(path, 'no such file') };
    return { path, ...content };
  } catch (error) {
    return { path, problem: problemOf(error, path) };
  }
}

export function missing(path: string, what: string): TrustProblem {
  return { reason: 'missing', path, message: `${path}: ${what}` };
}

/** What was thrown, as a problem of the file at `path`. A broken assumption of ours is thrown again. */
export function problemOf(error: unknown, path: string): TrustProblem {
  if (error instanceof HostError) {
    return { reason: error.reason, path: error.path, message: error.message };
  }
  if (!(error instanceof CodedError)) throw error;
  if (!('file' in error)) {
    return { ...placeIn(error), path, message: `${path}: ${error.message}` };
  }
  // The error of a folder begins with the file in it, that of several files with the one at fault.
  const name = String(error.file);
  const file = posix.resolve(path, name);
  const front = `${name}: `;
  const text = error.message.startsWith(front) ? error.message.slice(front.length) : error.message;
  return { ...placeIn(error), path: file, message: `${file}: ${text}` };
}

/** What the errors of the parsers have beside code and message, as far as this one has it. */
interface Place {
  readonly reason?: string;
  /** Of the member, not of the file. */
  readonly path?: string;
  readonly line?: number;
  readonly column?: number;
}

function placeIn(error: CodedError<string> & Place): Omit<TrustProblem, 'path' | 'message'> {
  const { reason = error.code, path, line, column } = error;
  return {
    reason,
    ...(path === undefined || path === '' ? {} : { member: path }),
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column }),
  };
}
