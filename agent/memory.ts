import * as v from 'valibot';
import type { Json } from '../shared/canonical.ts';
import { readRegular } from '../shared/read-file.ts';
import { type Items, SECTIONS, type SectionName } from '../shared/report.ts';
import { replaceFile } from './replace-file.ts';

/** What was last reported, kept across restarts: a change made while the agent was not running is an event too. */
export type Remembered = ReadonlyMap<SectionName, Items>;

const schema = v.strictObject({
  format: v.literal(1),
  sections: v.record(
    v.picklist(SECTIONS),
    v.array(v.tuple([v.string(), v.custom<Json>((value) => value !== undefined)])),
  ),
});

/** Of all sections together: what the aggregator takes of one. */
const LIMIT_BYTES = 67_108_864;

/** Undefined when nothing is remembered, or nothing that can be used: then the first report is no change. */
export async function recall(path: string): Promise<Remembered | undefined> {
  let value: unknown;
  try {
    value = JSON.parse((await readRegular(path, LIMIT_BYTES)).toString());
  } catch {
    return undefined;
  }
  const parsed = v.safeParse(schema, value);
  if (!parsed.success) return undefined;
  const { sections } = parsed.output;
  return new Map(
    SECTIONS.flatMap((name) => {
      const items = sections[name];
      return items === undefined ? [] : [[name, new Map(items)] as const];
    }),
  );
}

/** Replaces what is remembered, whole or not at all. Rejects when the disk does not take it. */
export async function remember(path: string, remembered: Remembered): Promise<void> {
  const sections = Object.fromEntries([...remembered].map(([name, items]) => [name, [...items]]));
  await replaceFile(path, JSON.stringify({ format: 1, sections }));
}
