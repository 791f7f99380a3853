import type { Json } from '../../shared/canonical.ts';
import type { EventClass } from '../../shared/protocol.ts';
import { type Members, pick } from '../members.ts';
import type { EventDraft } from '../spool.ts';
import { weightOf } from '../watched-places.ts';
import type { Difference } from './compare-meanings.ts';
import type { Explanation } from './explanation.ts';

/** What is known of a change of a file beside the items before and after it. */
export interface FileChange {
  readonly explained: Explanation | undefined;
  /** What it means, where both sides are known. */
  readonly meaning: Difference | undefined;
}

/** Members of an item whose change is a change of the file; that another MachineConfig wants the same is none. */
const OF_FILE = ['sha256', 'bytes', 'mode', 'uid', 'gid'];
/** Members that change with what is known of it, too. */
const OF_KNOWLEDGE = ['class', 'reason'];
const DIFFERING: readonly (Json | undefined)[] = ['managed-drift', 'vendor-modified'];

/**
 * The event of a file that changed: what of it, what that means, and who asked for it (`explained`, null for nobody).
 * A change that is explained is of class low; another weighs as much as its place.
 */
export function fileEvent(
  path: string,
  was: Members | undefined,
  now: Members | undefined,
  change: FileChange | undefined,
): EventDraft | undefined {
  const changed = [...OF_FILE, ...OF_KNOWLEDGE].filter((name) => was?.[name] !== now?.[name]);
  const both = was !== undefined && now !== undefined;
  const isOfFile = !both || changed.some((name) => OF_FILE.includes(name));
  if (changed.length === 0 || (!isOfFile && !isNewJudgement(was, now))) return undefined;
  const explained = change?.explained;
  return {
    kind: 'file.changed',
    class: explained === undefined ? weigh(path) : 'low',
    data: {
      path,
      change: was === undefined ? 'added' : now === undefined ? 'removed' : 'changed',
      was: was?.['sha256'] ?? null,
      now: now?.['sha256'] ?? null,
      changed,
      ...(both && changed.includes('mode') ? { mode: { was: octal(was), now: octal(now) } } : {}),
      ...(both && (changed.includes('uid') || changed.includes('gid'))
        ? { owner: { was: owner(was), now: owner(now) } }
        : {}),
      ...(change?.meaning === undefined ? {} : { meaning: toJson(change.meaning) }),
      explained: explained === undefined ? null : { ...explained },
      ...pick(now ?? {}, ['class', 'manager', 'reason']),
    },
  };
}

/**
 * The same file may differ now, or no longer, because something else is asked for. But that a state of a whole node
 * was accepted, or that its MachineConfig cannot be read any more, is no news of each of its files.
 */
function isNewJudgement(was: Members, now: Members): boolean {
  const classes = [was['class'], now['class']];
  return classes.some((one) => DIFFERING.includes(one)) && !classes.includes('unknown');
}

/** Files of the trust configuration and keys of a policy lie in no other place, and weigh most. */
function weigh(path: string): EventClass {
  return weightOf(path) ?? 'high';
}

function toJson(difference: Difference): Json {
  return { ...difference } as unknown as Json; // plain data by its type: strings, numbers, lists and objects of these
}

function octal({ mode }: Members): string | null {
  return typeof mode === 'number' ? mode.toString(8).padStart(4, '0') : null;
}

function owner({ uid, gid }: Members): string | null {
  return typeof uid === 'number' && typeof gid === 'number' ? `${uid}:${gid}` : null;
}
