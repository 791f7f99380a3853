import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Figure } from '../figure.ts';
import { knownOf } from './asked.ts';
import { STEPS } from './steps.ts';

/** Under what a step ran. */
export interface Conditions {
  /** When it began, UTC. */
  readonly date: string;
  readonly commit: string;
  /** Files that were not as the commit has them. */
  readonly changed: number;
  readonly node: string;
  readonly kernel: string;
  readonly cores: number;
  readonly processor: string;
  /** Load average of a minute, at the start and at the end. */
  readonly load: readonly [number, number];
  readonly seconds: number;
  /** Versions by program. */
  readonly peers: Readonly<Record<string, string>>;
}

/** What weighs most in the profile of a step of which a figure falls short. */
export interface Profile {
  readonly kind: 'processor' | 'memory';
  readonly command: string;
  /** Milliseconds or MiB that the shares are of. */
  readonly total: number;
  readonly rows: readonly { readonly percent: number; readonly what: string }[];
  readonly failed?: string;
}

/** What a step left when it ran last: its figures with their conditions. */
export interface Kept {
  readonly step: string;
  readonly commands: readonly string[];
  readonly conditions: Conditions;
  readonly seed?: number;
  /** Small sizes, to see that the step works. */
  readonly isShort: boolean;
  /** Why it did not come to its end, or did not run here. */
  readonly failed?: string;
  readonly figures: readonly Figure[];
  readonly profile?: Profile;
}

const figure: v.GenericSchema<unknown, Figure> = v.strictObject({
  id: v.string(),
  at: v.exactOptional(v.string()),
  ours: v.number(),
  bare: v.exactOptional(v.number()),
  ratio: v.exactOptional(v.number()),
});

const schema: v.GenericSchema<unknown, Kept> = v.strictObject({
  step: v.string(),
  commands: v.array(v.string()),
  conditions: v.strictObject({
    date: v.pipe(v.string(), v.isoTimestamp()),
    commit: v.string(),
    changed: v.number(),
    node: v.string(),
    kernel: v.string(),
    cores: v.number(),
    processor: v.string(),
    load: v.strictTuple([v.number(), v.number()]),
    seconds: v.number(),
    peers: v.record(v.string(), v.string()),
  }),
  seed: v.exactOptional(v.number()),
  isShort: v.boolean(),
  failed: v.exactOptional(v.string()),
  figures: v.array(figure),
  profile: v.exactOptional(
    v.strictObject({
      kind: v.picklist(['processor', 'memory']),
      command: v.string(),
      total: v.number(),
      rows: v.array(v.strictObject({ percent: v.number(), what: v.string() })),
      failed: v.exactOptional(v.string()),
    }),
  ),
});

/** Figures as a program told them, a line of JSON each; throws for what is none, or is not known. */
export function readFigures(text: string): readonly Figure[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const found = v.parse(figure, JSON.parse(line));
      knownOf(found.id);
      return found;
    });
}

/** Every result of a folder; none when it is not there. Throws with the file's name for one that is no result. */
export function readKept(folder: string): readonly Kept[] {
  return namesIn(folder).map((name) => {
    const file = join(folder, name);
    try {
      const kept = v.parse(schema, JSON.parse(readFileSync(file, 'utf8')));
      if (`${kept.step}.json` !== name || !STEPS.some((step) => step.name === kept.step)) {
        throw new Error(`no step has this name: ${kept.step}`);
      }
      for (const { id } of kept.figures) knownOf(id);
      return kept;
    } catch (error) {
      throw new Error(`${file}: ${error instanceof Error ? error.message : error}`);
    }
  });
}

export function keep(folder: string, kept: Kept): void {
  mkdirSync(folder, { recursive: true });
  writeWhole(join(folder, `${kept.step}.json`), `${JSON.stringify(kept, null, 2)}\n`);
}

/** Whoever reads meanwhile sees the old text or the new one. */
export function writeWhole(file: string, text: string): void {
  writeFileSync(`${file}.${process.pid}`, text);
  renameSync(`${file}.${process.pid}`, file);
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
