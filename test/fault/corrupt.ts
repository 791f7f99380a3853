import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../support/random.ts';

/**
 * Damages the spool of an agent that is not running: tears the last segment off at any byte, flips a bit, or removes a
 * segment. The head stays whole: without it and the records nobody could know what there was. Returns what was done.
 */
export function corruptSpool(folder: string, random: Random): string | undefined {
  const life = join(folder, readdirSync(folder).sort().at(-1) ?? '');
  const segments = readdirSync(life)
    .filter((name) => name.endsWith('.seg'))
    .sort()
    .map((name) => join(life, name));
  const any = segments[random.below(segments.length)];
  const last = segments.at(-1);
  if (any === undefined || last === undefined) return undefined;
  const way = random.pick(['torn', 'flipped', 'removed']);
  if (way === 'torn') truncateSync(last, random.below(statSync(last).size + 1));
  if (way === 'removed') rmSync(any);
  if (way === 'flipped') {
    const bytes = readFileSync(any);
    if (bytes.length === 0) return undefined;
    const place = random.below(bytes.length);
    bytes.writeUInt8((bytes[place] ?? 0) ^ (1 << random.below(8)), place);
    writeFileSync(any, bytes);
  }
  return way;
}
