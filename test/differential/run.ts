import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { counted, tell } from '../../bench/figure.ts';
import { compare } from './compare.ts';
import { judgesMissing, World } from './world.ts';

/** `npm run differential -- --count N --seed S`: random cases, judged by the real skopeo and by us. */
const { values } = parseArgs({
  options: { count: { type: 'string', default: '300' }, seed: { type: 'string' } },
});
const count = Number(values.count);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
const missing = judgesMissing();
if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(seed) || seed < 0) {
  console.error('usage: npm run differential -- [--count N] [--seed S]');
  process.exitCode = 2;
} else if (missing) {
  console.error(missing);
  process.exitCode = 4;
} else {
  await main();
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'nodeseal-differential-'));
  console.log(`seed ${seed}`);
  try {
    await using world = await World.make(folder);
    const { accepted, refused, disagreements } = await compare(world, seed, count);
    for (const one of disagreements) console.log(JSON.stringify(one, null, 2));
    console.log(
      `${count} draws, of which skopeo accepted ${accepted} and refused ${refused}: ${disagreements.length} disagreements`,
    );
    tell({ id: 'differential', at: counted(count, 'draws'), ours: disagreements.length });
    if (disagreements.length > 0) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
