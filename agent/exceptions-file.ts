import { stat } from 'node:fs/promises';
import * as v from 'valibot';
import { rfc3339 } from '../shared/clock.ts';
import { ConfigError, readConfig } from '../shared/config.ts';
import { type NamedCheck, rulesNamed, unknownName } from './rule-names.ts';

/** A failure that somebody vouches for, until a day. */
export interface Exception {
  /** What it says it is for: rule, subject, node. Names it among the others of its file. */
  readonly key: string;
  /** Ids of the rules that its pattern names. */
  readonly ruleIds: ReadonlySet<string>;
  /** Pattern of the subject; without it every subject, and the node as a whole. */
  readonly subject?: string;
  /** Pattern of the node's name; without it every node. */
  readonly node?: string;
  readonly reason: string;
  readonly owner: string;
  /** Milliseconds since 1970: from then on it does not hold. */
  readonly expiresMs: number;
  /** The same as it is written: RFC 3339, where a date alone ends with that day, UTC. */
  readonly until: string;
}

/** The check that judges exceptions: nobody excepts a failure of it, or a file could hide that it is broken. */
const JUDGE = 'exceptions';
const DAY_MS = 86_400_000;
const DATE = /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))?$/;

const text = v.pipe(v.string(), v.regex(/\S/, 'expected text'));
const expires = v.pipe(
  v.string(),
  v.check(
    (value) => momentOf(value) !== undefined,
    'expected a date of RFC 3339 as 2027-03-31 or 2027-03-31T12:00:00Z',
  ),
);

function fileSchema(checks: readonly NamedCheck[]) {
  const rule = v.pipe(
    v.string(),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const problem = problemOf(dataset.value, checks);
      if (problem !== undefined) addIssue({ message: problem });
    }),
  );
  const entry = v.strictObject({
    rule,
    subject: v.exactOptional(text),
    node: v.exactOptional(text),
    reason: text,
    owner: text,
    expires,
  });
  const entries = v.pipe(
    v.array(entry),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const keys = dataset.value.map(keyOf);
      for (const [at, key] of keys.entries()) {
        const first = keys.indexOf(key);
        if (first < at) addIssue({ message: `[${at}] is for the same as [${first}]: ${key}` });
      }
    }),
  );
  return v.strictObject({ exceptions: entries });
}

/**
 * Reads a file of exceptions; `checks` are all there are, whether or not they run here. Throws `ConfigError`, which
 * names the place: then none of its exceptions can be relied on.
 */
export async function readExceptions(
  file: string,
  checks: readonly NamedCheck[],
): Promise<readonly Exception[]> {
  await assertFile(file);
  const { exceptions } = await readConfig(file, fileSchema(checks));
  return exceptions.map(({ expires: end, rule, ...entry }) => {
    const expiresMs = momentOf(end) ?? Number.NaN;
    const ruleIds = new Set(exceptable(rule, checks));
    return { ...entry, key: keyOf({ rule, ...entry }), ruleIds, expiresMs, until: end };
  });
}

/** It is read at every look: a pipe without a writer would end them all. */
async function assertFile(file: string): Promise<void> {
  // What is not there is for the reader to say.
  const stats = await stat(file).catch(() => undefined);
  if (stats === undefined || stats.isFile() || stats.isDirectory()) return;
  throw new ConfigError('ERR_CONFIG_READ', `${file}: is no regular file`);
}

function exceptable(rule: string, checks: readonly NamedCheck[]): readonly string[] {
  return rulesNamed(rule, checks).filter((id) => !id.startsWith(`${JUDGE}.`));
}

function problemOf(rule: string, checks: readonly NamedCheck[]): string | undefined {
  if (exceptable(rule, checks).length > 0) return undefined;
  if (rulesNamed(rule, checks).length === 0) return unknownName(rule, checks);
  return `the rules of "${JUDGE}" have no exceptions`;
}

function keyOf(entry: {
  readonly rule: string;
  readonly subject?: string;
  readonly node?: string;
}): string {
  const { rule, subject, node } = entry;
  const about = subject === undefined ? rule : `${rule} of ${subject}`;
  return node === undefined ? about : `${about} on ${node}`;
}

/** A date alone ends with that day, UTC. Undefined for what is no day of the calendar. */
function momentOf(value: string): number | undefined {
  const day = DATE.exec(value)?.[1];
  if (day === undefined) return undefined;
  const dayMs = Date.parse(`${day}T00:00:00Z`);
  const isDay = !Number.isNaN(dayMs) && rfc3339(dayMs).startsWith(day);
  const ms = day === value ? dayMs + DAY_MS : Date.parse(value);
  return isDay && !Number.isNaN(ms) ? ms : undefined;
}
