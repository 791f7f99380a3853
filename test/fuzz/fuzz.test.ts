import { join } from 'node:path';
import t from 'tap';
import { randomFrom } from '../support/random.ts';
import { sharedDir } from '../support/shared.ts';
import { fuzz } from './engine.ts';
import { MAX_INPUT_BYTES, mutateBytes } from './mutate.ts';
import type { FuzzTarget } from './target.ts';
import { TARGETS } from './targets/index.ts';

/** A short run; `npm run fuzz` is the long one. */
const SEED = 20260401;
const DURATION_MS = 500;
const shared = sharedDir();
const conformance = shared === undefined ? undefined : join(shared, 'conformance');

t.comment(`seed ${SEED}`);
for (const target of TARGETS) {
  t.test(`mutations of ${target.name} neither break nor deceive`, async (t) => {
    const report = await fuzz(target, { seed: SEED, durationMs: DURATION_MS, conformance });
    t.comment(`${report.inputs} inputs, slowest ${report.slowestMs} ms`);
    t.same(report.failures, []);
    t.ok(report.inputs > 20, `${report.inputs} inputs`);
  });
}

const broken: readonly (readonly [string, (input: Uint8Array) => string | undefined, RegExp])[] = [
  ['is said to be wrong', () => 'wrong', /^wrong$/],
  [
    'throws',
    () => {
      throw new TypeError('oops');
    },
    /^threw TypeError: oops/,
  ],
  ['is slow', slow, /^took \d+ ms for 1 bytes$/],
];

/** Counts until the processor's clock has gone on by more than is allowed. */
function slow(): undefined {
  const before = process.cpuUsage();
  for (;;) {
    const { user, system } = process.cpuUsage(before);
    if (user + system > 120_000) return undefined;
  }
}

for (const [name, check, what] of broken) {
  t.test(`an input that ${name} is reported with its file`, async (t) => {
    const target: FuzzTarget = {
      name: 'x',
      prepare: async () => ({ corpus: [Buffer.of(1)], check }),
    };
    const { failures } = await fuzz(target, { seed: 1, durationMs: 1, conformance: undefined });
    t.match(failures[0], { target: 'x', what, file: /nodeseal-fuzz-x-/ });
  });
}

t.test('the same seed makes the same mutations, none too long', async (t) => {
  const make = (): string => {
    const random = randomFrom(7);
    const all = Array.from({ length: 200 }, () =>
      mutateBytes(Buffer.from('{"a":[1,2,3]}'), random),
    );
    t.ok(all.every((one) => one.length <= MAX_INPUT_BYTES));
    return Buffer.concat(all).toString('hex');
  };
  t.equal(make(), make());
});
