import type { Observed } from '../../shared/findings.ts';
import type { Statement } from '../check.ts';
import type { DesiredState } from '../desired/desired.ts';
import type { InspectedFile } from '../files.ts';
import { isReadingReason } from '../host.ts';

/**
 * What a rule says of one managed file: that it is as desired, every way in which it differs, or that it cannot be
 * compared. Undefined for a file nobody manages.
 */
export function driftOf(file: InspectedFile): Statement | undefined {
  const { path, manager, expectedSha256, expectedMode, reason } = file;
  if (expectedSha256 === undefined || expectedMode === undefined) return undefined;
  const { expectedUid, expectedGid } = file;
  const compared = {
    observed: { sha256: file.sha256, mode: octal(file.mode), owner: owner(file.uid, file.gid) },
    expected: {
      sha256: expectedSha256,
      mode: octal(expectedMode),
      ...(expectedUid === undefined || expectedGid === undefined
        ? {}
        : { owner: owner(expectedUid, expectedGid) }),
    },
  };
  const as = manager?.startsWith('baseline ') ? `in the ${manager}` : `rolled out by ${manager}`;
  if (file.class === 'managed') {
    const what = reason === 'missing' ? 'absent, which is as good as' : 'as';
    return { result: 'pass', message: `${path} is ${what} ${as}`, ...compared };
  }
  if (reason !== undefined && isReadingReason(reason)) {
    const message = `${path} cannot be read here (${reason}) to be compared with what is ${as}`;
    return { result: 'error', reason, message, ...compared };
  }
  if (reason !== undefined) {
    const message = `${path} is not as ${as}: it is ${WORDS[reason] ?? reason}`;
    return { result: 'fail', reason, message, ...compared };
  }
  const [worst, ...others] = differencesOf(file);
  if (worst === undefined) return undefined;
  const words = [worst, ...others].map(({ words }) => words).join(', ');
  return {
    result: 'fail',
    reason: worst.reason,
    ...(worst.reason === 'mode' ? { severity: 'medium' as const } : {}),
    message: `${path} is not as ${as}: ${words}`,
    ...compared,
  };
}

/** Where nothing says which files there should be none can be called unmanaged. Throws why the MachineConfig cannot be used. */
export function unlessKnown(desired: DesiredState): Statement | undefined {
  if (desired.problem !== undefined) throw desired.problem;
  if (desired.isKnown) return undefined;
  const message = 'no MachineConfig and no baseline says which files there should be';
  return { result: 'notchecked', reason: 'no-oracle', message };
}

/** Says that what differs may be in the middle of being made equal; the result stays what it is. */
export function duringUpdate(
  statement: Statement,
  { update }: Pick<DesiredState, 'update'>,
): Statement {
  if (update === undefined || statement.result === 'pass') return statement;
  const observed: Observed = { ...statement.observed, updating: true, updatingBy: update.path };
  return { ...statement, observed };
}

interface Difference {
  readonly reason: 'content' | 'owner' | 'mode';
  readonly words: string;
}

/** All of them, the worst first. */
function differencesOf(file: InspectedFile): readonly Difference[] {
  const { expectedUid = file.uid, expectedGid = file.gid } = file;
  const [mode, wanted] = [octal(file.mode), octal(file.expectedMode ?? null)];
  const [found, asked] = [owner(file.uid, file.gid), owner(expectedUid, expectedGid)];
  return [
    ...(file.sha256 === file.expectedSha256
      ? []
      : [{ reason: 'content', words: 'another content' } as const]),
    ...(found === asked
      ? []
      : [{ reason: 'owner', words: `owner ${found} in place of ${asked}` } as const]),
    ...(mode === wanted
      ? []
      : [{ reason: 'mode', words: `mode ${mode} in place of ${wanted}` } as const]),
  ];
}

const WORDS: Readonly<Record<string, string>> = {
  missing: 'missing',
  'dangling-link': 'a link that leads nowhere',
  link: 'a link instead of a file',
};

function octal(mode: number | null): string | null {
  return mode === null ? null : mode.toString(8).padStart(4, '0');
}

/** `uid:gid`, or null where nothing was seen. */
function owner(uid: number | null, gid: number | null): string | null {
  return uid === null || gid === null ? null : `${uid}:${gid}`;
}
