import { canonicalJson, type Json } from '../shared/canonical.ts';
import { findingKey, type RuleResult } from '../shared/findings.ts';
import type { EventClass } from '../shared/protocol.ts';
import type { Items, SectionName } from '../shared/report.ts';
import { combine } from '../shared/results.ts';
import { type FileChange, fileEvent } from './changes/file-event.ts';
import { type Members, membersOf, pick } from './members.ts';
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

/**
 * What of a section's change is worth an event that is kept: one event for one change of one item. `files` says more of
 * those in the section `files`.
 */
export function eventsOf(
  section: SectionName,
  before: Items,
  after: Items,
  files: ReadonlyMap<string, FileChange> = new Map(),
): readonly EventDraft[] {
  const describe = DESCRIPTIONS[section];
  if (describe === undefined) return [];
  const events: EventDraft[] = [];
  for (const key of changedKeys(before, after)) {
    const [was, now] = [membersOf(before.get(key)), membersOf(after.get(key))];
    const event = describe(key, was, now, files.get(key));
    if (event !== undefined) events.push(event);
  }
  return events;
}

/** Keys of items that came, went or say something else. */
export function changedKeys(before: Items, after: Items): readonly string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((key) => {
    const [was, now] = [before.get(key), after.get(key)];
    return was === undefined || now === undefined || canonicalJson(was) !== canonicalJson(now);
  });
}

type Describe = (
  key: string,
  was: Members | undefined,
  now: Members | undefined,
  file: FileChange | undefined,
) => EventDraft | undefined;

const DESCRIPTIONS: Readonly<Partial<Record<SectionName, Describe>>> = {
  checks: describeFinding,
  files: fileEvent,
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
      ...pick(membersOf(now?.['observed']) ?? {}, ['updating']),
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

function toJson(found: RuleResult): Json {
  return { ...found } as unknown as Json; // plain data by its type: strings, numbers, lists and objects of these
}
