import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { openHost } from '../agent/host.ts';
import { type EvaluationBasis, type Evaluator, inThisThread } from '../agent/images/evaluator.ts';
import { PassMemory } from '../agent/images/pass-memory.ts';
import { VerdictCache } from '../agent/images/verdict-cache.ts';
import { verifyImages } from '../agent/images/verify.ts';
import { WorkerEvaluator } from '../agent/images/worker-evaluator.ts';
import { readNodeTrust } from '../agent/trust.ts';
import type { CandidateImage } from '../shared/trust/verdict-types.ts';
import { makeImageStore, whyNoStore } from '../test/support/image-store.ts';

/**
 * What a pass over the images of a node costs: the first, in this thread and in the agent's own, one with nothing changed, the
 * verification of the same signatures alone, reading the files alone, and skopeo once for each of some images. All take
 * turns in every round, so that what else runs on the machine weighs on all alike. Needs what make-image-store needs.
 *
 * `node bench/images.ts [--images 200] [--rounds 9] [--sample 5] [--json]`
 */
const { values: options } = parseArgs({
  options: {
    images: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '9' },
    sample: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});

const reason = whyNoStore();
if (reason !== false) throw new Error(reason);
const made = await makeImageStore(['--images', options.images, '--driver', 'overlay']);
const names = made.images.flatMap((image) =>
  image.case.startsWith('app-') ? (image.name ?? []) : [],
);
const host = openHost(made.root);
const trust = await readNodeTrust(host);
const out = mkdtempSync(join(tmpdir(), 'nodeseal-bench-'));

/** The images as their judge gets them, and what it judges by. */
const candidates: CandidateImage[] = [];
let basis: EvaluationBasis | undefined;
const recorder: Evaluator = {
  evaluate: (given, images, nowMs) => {
    basis = given;
    candidates.push(...images);
    return inThisThread.evaluate(given, images, nowMs);
  },
};

/** As the agent's own pass, contents included; the store's signatures alone. */
function pass(evaluator: Evaluator, cache = new VerdictCache(), memory = new PassMemory()) {
  const contents = true;
  return verifyImages(host, trust, { sources: ['store'], evaluator, cache, memory, contents });
}
const first = await pass(recorder);
const accepted = first.verdicts.filter(({ verdict }) => verdict === 'accepted').length;
if (accepted < names.length) throw new Error(`${accepted} of ${names.length} images accepted`);
const nothing: Evaluator = {
  evaluate: async (_, images) =>
    images.map(() => ({ reason: 'evaluation-failed' as const, message: 'not judged' })),
};

/** Which files the images' data are, to read them without anything else. */
const files = first.verdicts.flatMap(({ imageId }) => {
  const folder = join(made.root, 'var/lib/containers/storage/overlay-images', imageId);
  return readdirSync(folder).map((file) => join(folder, file));
});
const listPath = join(made.root, 'var/lib/containers/storage/overlay-images/images.json');

const warm = [new VerdictCache(), new PassMemory()] as const;
await pass(inThisThread, ...warm);
/** Every file is read again, as after a quarter of an hour; the verdicts are known. */
const known = new VerdictCache();
await pass(inThisThread, known);
const store = `[overlay@${made.folder}/host/var/lib/containers/storage+${made.folder}/runroot:overlay.skip_mount_home=true]`;
const sampled = names.slice(0, Number(options.sample));

interface Method {
  readonly name: string;
  /** Images in one run. */
  readonly images: number;
  readonly run: () => unknown;
  readonly perImageUs: number[];
}
const method = (name: string, run: () => unknown, images = first.verdicts.length): Method => ({
  name,
  images,
  run,
  perImageUs: [],
});
const methods = [
  method('verification alone, all in memory', () =>
    inThisThread.evaluate(basis ?? fail(), candidates, Date.now()),
  ),
  method('first pass, in this thread', () => pass(inThisThread)),
  method('first pass, in a thread of its own', async () => {
    await using evaluator = new WorkerEvaluator();
    await pass(evaluator);
  }),
  method('pass without verification (files only)', () => pass(nothing)),
  method('files alone, read by node:fs', () => {
    JSON.parse(readFileSync(listPath, 'utf8'));
    for (const file of files) readFileSync(file);
  }),
  method('second pass, nothing changed', async () => {
    const { evaluations } = await pass(inThisThread, ...warm);
    if (evaluations !== 0) throw new Error(`${evaluations} images verified again`);
  }),
  method('pass that reads all anew, verdicts known', () => pass(inThisThread, known)),
  method(
    'skopeo copy containers-storage: → dir:',
    () => {
      for (const [index, name] of sampled.entries()) {
        const policy = join(made.folder, 'local/policy-stored.json');
        const args = ['--policy', policy, 'copy', '--quiet', '--remove-signatures'];
        const from = `containers-storage:${store}${name}`;
        execFileSync('skopeo', [...args, from, `dir:${join(out, String(index))}`]);
      }
    },
    sampled.length,
  ),
];

for (let round = 0; round <= Number(options.rounds); round++) {
  for (const { run, images, perImageUs } of methods) {
    const start = performance.now();
    await run();
    // The first round warms up.
    if (round > 0) perImageUs.push(((performance.now() - start) * 1000) / images);
  }
}
rmSync(out, { recursive: true });

const [limit] = methods;
const report = methods.map(({ name, images, perImageUs }) => ({
  name,
  images,
  msPerRun: round((median(perImageUs) * images) / 1000),
  usPerImage: round(median(perImageUs)),
  ratio: round(median(perImageUs.map((us, index) => us / (limit?.perImageUs[index] ?? us)))),
}));
if (options.json) console.log(JSON.stringify({ node: process.version, report }));
else console.table(report);

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function fail(): never {
  throw new Error('nothing was judged');
}
