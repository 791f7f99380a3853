import { canonicalJson, type Json } from '../shared/canonical.ts';
import { findingKey, type RuleResult } from '../shared/findings.ts';
import type { EventClass } from '../shared/protocol.ts';
import type { Items, SectionName } from '../shared/report.ts';
import { combine } from '../shared/results.ts';
import type { CheckResult } from './runner.ts';
import type { EventDraft } from './spool.ts';

/** Section `checks`: `RuleResult` by finding key. Of two statements on one subject the worse speaks. */
export function checkItems(results: Iterable<CheckResult>): Items {
  const items = new Map<string, Json>();
  const spoken = new Map<string, RuleResult>();
  for (const found of [...results].flatMap((result) => result.results)) {
    const key = findingKey(found);
    const other = spoken.get(key);
    if (other !== undefined && combine([other.result, found.result]) === other.result) continue;
    spoken.set(key, found);
    items.set(key, toJson(found));
  }
  return items;
}

/** What of a section's change is worth an event that is kept: one event for one change of one item. */
export function eventsOf(section: SectionName, before: Items, after: Items): readonly EventDraft[] {
  const describe = DESCRIPTIONS[section];
  if (describe === undefined) return [];
  const events: EventDraft[] = [];
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const [was, now] = [before.get(key), after.get(key)];
    const isSame =
      was !== undefined && now !== undefined && canonicalJson(was) === canonicalJson(now);
    const event = isSame ? undefined : describe(key, membersOf(was), membersOf(now));
    if (event !== undefined) events.push(event);
  }
  return events;
}

type Members = Readonly<Record<string, Json | undefined>>;
type Describe = (
  key: string,
  was: Members | undefined,
  now: Members | undefined,
) => EventDraft | undefined;

const DESCRIPTIONS: Readonly<Partial<Record<SectionName, Describe>>> = {
  checks: describeFinding,
  files: describeFile,
  images: describeImage,
};

/** Results that call for nobody: a subject that comes or goes with one of these is no event. */
const QUIET: readonly (Json | undefined)[] = ['pass', 'notapplicable', 'notchecked', undefined];

function describeFinding(
  _key: string,
  was: Members | undefined,
  now: Members | undefined,
): EventDraft | undefined {
  const about = now ?? was;
  const [before, after] = [was?.['result'], now?.['result']];
  const isSame = before === after && was?.['reason'] === now?.['reason'];
  const isQuiet = (was === undefined || now === undefined) && QUIET.includes(before ?? after);
  if (about === undefined || isSame || isQuiet) return undefined;
  return {
    kind: 'finding.changed',
    class: classOf(about['severity']),
    data: {
      ...pick(about, ['ruleId', 'checkId', 'subject', 'severity']),
      was: before ?? null,
      now: after ?? null,
      ...pick(now ?? {}, ['reason', 'message', 'override']),
    },
  };
}

/** Files of the trust set alone are in the section, so each change of one is of class high. */
function describeFile(
  path: string,
  was: Members | undefined,
  now: Members | undefined,
): EventDraft {
  const names = ['sha256', 'mode', 'uid', 'gid', 'class', 'reason'];
  const changed = names.filter((name) => was?.[name] !== now?.[name]);
  return {
    kind: 'file.changed',
    class: 'high',
    data: {
      path,
      change: was === undefined ? 'added' : now === undefined ? 'removed' : 'changed',
      was: was?.['sha256'] ?? null,
      now: now?.['sha256'] ?? null,
      changed,
      ...pick(now ?? {}, ['class', 'manager', 'reason']),
    },
  };
}

function describeImage(
  _key: string,
  was: Members | undefined,
  now: Members | undefined,
): EventDraft | undefined {
  const about = now ?? was;
  const [before, after] = [was?.['verdict'], now?.['verdict']];
  const isSame = before === after && was?.['reason'] === now?.['reason'];
  if (about === undefined || isSame) return undefined;
  return {
    kind: 'image.changed',
    class: after === 'rejected' ? 'high' : after === 'unknown' ? 'medium' : 'low',
    data: {
      ...pick(about, ['imageId', 'reference', 'digest', 'scope']),
      was: before ?? null,
      now: after ?? null,
      ...pick(now ?? {}, ['reason', 'message']),
    },
  };
}

function classOf(severity: Json | undefined): EventClass {
  if (severity === 'critical' || severity === 'high') return 'high';
  return severity === 'medium' ? 'medium' : 'low';
}

function membersOf(item: Json | undefined): Members | undefined {
  const isObject = typeof item === 'object' && item !== null && !Array.isArray(item);
  return isObject ? (item as Members) : undefined;
}

/** Those that are there, so that an absent one is not a `null`. */
function pick(members: Members, names: readonly string[]): { readonly [name: string]: Json } {
  const picked: Record<string, Json> = {};
  for (const name of names) {
    const member = members[name];
    if (member !== undefined) picked[name] = member;
  }
  return picked;
}

function toJson(found: RuleResult): Json {
  return { ...found } as unknown as Json; // plain data by its type: strings, numbers, lists and objects of these
}
