import { PolicyError, parsePolicy } from '../../shared/trust/policy.ts';
import {
  type PolicyChangeSummary,
  summarizeChanges,
} from '../../shared/trust/policy-diff/summary.ts';
import { diffPolicies } from '../../shared/trust/policy-diff.ts';
import type { Policy } from '../../shared/trust/policy-types.ts';
import type { Meaning } from './meaning.ts';

/** The most that one event names; of more it says how many. Whoever writes a file must not make it too long to be told. */
const MAX_NAMED = 20;
const MAX_LENGTH = 160;

/** What a file says; `absent` where there is none. */
type Side = Meaning | 'absent';

/** How two contents differ, in what they mean. Lists are bounded and end with how many there are more. */
export type Difference =
  | ({ readonly kind: 'policy' } & (PolicyChangeSummary | Validity))
  | {
      readonly kind: 'keys';
      readonly added: readonly string[];
      readonly removed: readonly string[];
    }
  | {
      readonly kind: 'settings';
      readonly added: readonly string[];
      readonly removed: readonly string[];
      readonly changed: readonly string[];
      /** Only of files whose values may be shown. */
      readonly values?: readonly SettingChange[];
    };

/** Of a policy that no tool can read, which then refuses every image. */
interface Validity {
  readonly was: 'valid' | 'invalid';
  readonly now: 'valid' | 'invalid';
}

interface SettingChange {
  readonly at: string;
  readonly was: string | null;
  readonly now: string | null;
}

/** What a change means, for an event; undefined where the two cannot be compared. */
export function compareMeanings(was: Side, now: Side): Difference | undefined {
  const kind = was === 'absent' ? (now === 'absent' ? undefined : now.kind) : was.kind;
  if (kind === 'policy') return comparePolicies(was, now);
  if (kind === 'keys') return compareKeys(was, now);
  return kind === 'settings' ? compareSettings(was, now) : undefined;
}

function compareKeys(was: Side, now: Side): Difference | undefined {
  const [old, current] = [keysOf(was), keysOf(now)];
  if (old === undefined || current === undefined) return undefined;
  return {
    kind: 'keys',
    added: bounded(current.filter((key) => !old.includes(key))),
    removed: bounded(old.filter((key) => !current.includes(key))),
  };
}

function keysOf(side: Side): readonly string[] | undefined {
  if (side === 'absent') return [];
  return side.kind === 'keys' ? side.fingerprints : undefined;
}

/** Where a policy is gone, another speaks or none: that is told by the rules. */
function comparePolicies(was: Side, now: Side): Difference | undefined {
  if (was === 'absent' || was.kind !== 'policy') return undefined;
  if (now === 'absent' || now.kind !== 'policy') return undefined;
  const [old, current] = [readPolicy(was.text), readPolicy(now.text)];
  if (old === undefined || current === undefined) {
    const word = (policy: Policy | undefined) => (policy === undefined ? 'invalid' : 'valid');
    return { kind: 'policy', was: word(old), now: word(current) };
  }
  const summary = summarizeChanges(diffPolicies({ policy: old }, { policy: current }));
  return { kind: 'policy', ...summary, lines: summary.lines.map((line) => cut(line, 2)) };
}

function readPolicy(text: string): Policy | undefined {
  try {
    return parsePolicy(Buffer.from(text));
  } catch (error) {
    if (error instanceof PolicyError) return undefined;
    throw error;
  }
}

type Settings = Extract<Meaning, { kind: 'settings' }>;

function compareSettings(was: Side, now: Side): Difference | undefined {
  const [old, current] = [settingsOf(was, now), settingsOf(now, was)];
  if (old === undefined || current === undefined) return undefined;
  const places = [...new Set([...Object.keys(old.values), ...Object.keys(current.values)])].sort();
  const changed = places
    .map((at) => ({ at, was: valueAt(old, at), now: valueAt(current, at) }))
    .filter((one) => one.was !== one.now);
  const named = (isSo: (one: SettingChange) => boolean): readonly string[] =>
    bounded(changed.filter(isSo).map(({ at }) => at));
  return {
    kind: 'settings',
    added: named((one) => one.was === null),
    removed: named((one) => one.now === null),
    changed: named((one) => one.was !== null && one.now !== null),
    ...(old.shown && current.shown ? { values: changed.slice(0, MAX_NAMED).map(cutChange) } : {}),
  };
}

/** A file that is absent sets nothing, and may show as much as the other side. */
function settingsOf(side: Side, other: Side): Settings | undefined {
  if (side !== 'absent') return side.kind === 'settings' ? side : undefined;
  const shown = other !== 'absent' && other.kind === 'settings' && other.shown;
  return { kind: 'settings', shown, values: {} };
}

function valueAt({ values }: Settings, at: string): string | null {
  return Object.hasOwn(values, at) ? (values[at] ?? null) : null;
}

function cutChange({ at, was, now }: SettingChange): SettingChange {
  return { at: cut(at), was: was && cut(was), now: now && cut(now) };
}

function bounded(names: readonly string[]): readonly string[] {
  const first = names.slice(0, MAX_NAMED).map((name) => cut(name));
  return names.length > MAX_NAMED ? [...first, `and ${names.length - MAX_NAMED} more`] : first;
}

function cut(text: string, times = 1): string {
  const length = MAX_LENGTH * times;
  return text.length <= length ? text : `${text.slice(0, length).toWellFormed()}…`;
}
