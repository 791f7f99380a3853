import type { Statement } from '../check.ts';
import type { InspectedFile } from '../files.ts';
import { isReadingReason } from '../host.ts';

/**
 * What a rule says of one managed file: that it is as desired, how it differs, or that it cannot be compared.
 * Undefined for a file nobody manages.
 */
export function driftOf(file: InspectedFile): Statement | undefined {
  const { path, manager, expectedSha256, expectedMode, reason } = file;
  if (expectedSha256 === undefined || expectedMode === undefined) return undefined;
  const observed = { sha256: file.sha256, mode: octal(file.mode) };
  const expected = { sha256: expectedSha256, mode: octal(expectedMode) };
  const compared = { observed, expected };
  const by = `by ${manager}`;
  if (reason !== undefined && isReadingReason(reason)) {
    const message = `${path} is managed ${by} and cannot be read here (${reason})`;
    return { result: 'error', reason, message, ...compared };
  }
  if (reason !== undefined) {
    const message = `${path} is ${WORDS[reason] ?? reason}, managed ${by}`;
    return { result: 'fail', reason, message, ...compared };
  }
  if (file.sha256 !== expectedSha256) {
    const message = `${path} has another content than was rolled out ${by}`;
    return { result: 'fail', reason: 'content', message, ...compared };
  }
  if (file.mode !== expectedMode) {
    const message = `${path} has mode ${observed.mode}, expected ${expected.mode} ${by}`;
    return { result: 'fail', reason: 'mode', severity: 'medium', message, ...compared };
  }
  return { result: 'pass', message: `${path} is as rolled out ${by}`, ...compared };
}

const WORDS: Readonly<Record<string, string>> = {
  missing: 'missing',
  'dangling-link': 'a link that leads nowhere',
  link: 'a link instead of a file',
};

function octal(mode: number | null): string | null {
  return mode === null ? null : mode.toString(8).padStart(4, '0');
}
