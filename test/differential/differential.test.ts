import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { compare } from './compare.ts';
import { judgesMissing, World } from './world.ts';

const COUNT = 200;

t.test(`skopeo agrees on ${COUNT} random pulls`, { skip: judgesMissing() }, async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  t.comment(`seed ${seed}`);
  // Not t.testdir(): the agent of gpg makes a socket there, whose path must be short.
  const folder = mkdtempSync(join(tmpdir(), 'nodeseal-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  await using world = await World.make(folder);
  const { accepted, refused, disagreements } = await compare(world, seed, COUNT);
  t.same(disagreements, [], `npm run differential -- --count ${COUNT} --seed ${seed}`);
  t.ok(accepted > COUNT / 10 && refused > COUNT / 10, 'and both answers are common');
});
