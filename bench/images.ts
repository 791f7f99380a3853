import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openHost } from '../agent/host.ts';
import { type Evaluator, inThisThread } from '../agent/images/evaluator.ts';
import { OrdinaryHere } from '../agent/images/ordinary-here.ts';
import { PassMemory } from '../agent/images/pass-memory.ts';
import { VerdictCache } from '../agent/images/verdict-cache.ts';
import { type ImageVerification, verifyImages } from '../agent/images/verify.ts';
import { WorkerEvaluator } from '../agent/images/worker-evaluator.ts';
import { readNodeTrust } from '../agent/trust.ts';
import { counted, type Figure, median, round, tell } from './figure.ts';
import { makePlainStore } from './plain-store.ts';

/**
 * What a pass over the signed images of a node costs, beside the least that any program has to do for it: as many bare
 * RSA-4096 verifications by node:crypto, and reading the same files. All take turns in every round, so that what else runs
 * on the machine weighs on all alike; a ratio is the median of the rounds' ratios of processor time. Needs what make-image-store needs, and a
 * build: the agent's thread is started as it is installed.
 *
 * `node bench/images.ts [--images 200] [--rounds 15] [--sample 5] [--json]`
 */
const { values: options } = parseArgs({
  options: {
    images: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '15' },
    sample: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});

const program = new URL('../dist/agent/images/worker.js', import.meta.url);
if (!existsSync(fileURLToPath(program))) throw new Error('needs `npm run build` first');
const images = Number(options.images);
const { root, names, files, made } = await makePlainStore(images);
const host = openHost(root);
const trust = await readNodeTrust(host);
const out = mkdtempSync(join(tmpdir(), 'nodeseal-bench-'));

/** As the agent's own pass, contents included; the store's signatures alone. */
async function pass(
  evaluator: Evaluator,
  expected: number,
  cache = new VerdictCache(),
  memory = new PassMemory(),
): Promise<ImageVerification> {
  const contents = true;
  const settings = { sources: ['store'], evaluator, cache, memory, contents } as const;
  const found = await verifyImages(host, trust, settings);
  if (found.evaluations !== expected) throw new Error(`${found.evaluations} images verified`);
  return found;
}

const first = await pass(inThisThread, images);
const accepted = first.verdicts.filter(({ verdict }) => verdict === 'accepted').length;
if (accepted !== images) throw new Error(`${accepted} of ${images} images accepted`);
const nothing: Evaluator = {
  evaluate: async (_, images) =>
    images.map(() => ({ reason: 'evaluation-failed' as const, message: 'not judged' })),
};

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 4096 });
const signed = Array.from({ length: images }, (_, index) => {
  const data = Buffer.alloc(400, index);
  return { data, signature: sign('sha512', data, privateKey) };
});
function verifyBare(): void {
  for (const { data, signature } of signed) verify('sha512', data, publicKey, signature);
}
function readBare(): void {
  for (const file of files) readFileSync(file);
}

const warm = [new VerdictCache(), new PassMemory()] as const;
await pass(inThisThread, images, ...warm);
const storage = `[overlay@${made.folder}/host/var/lib/containers/storage+${made.folder}/runroot:overlay.skip_mount_home=true]`;
const sampled = names.slice(0, Number(options.sample));
function copyBySkopeo(): void {
  const policy = join(made.folder, 'local/policy-stored.json');
  const args = ['--policy', policy, 'copy', '--quiet', '--remove-signatures'];
  for (const [index, name] of sampled.entries()) {
    const from = `containers-storage:${storage}${name}`;
    execFileSync('skopeo', [...args, from, `dir:${join(out, String(index))}`]);
  }
}

interface Method {
  readonly name: string;
  readonly run: () => unknown;
  /** Runs that all images take; skopeo is asked for some of them only. */
  readonly scale: number;
  readonly ms: number[];
  /** Of the processor: this process with its threads, and the programs it ran. */
  readonly cpuMs: number[];
}
const method = (name: string, run: () => unknown, scale = 1): Method => ({
  name,
  run,
  scale,
  ms: [],
  cpuMs: [],
});
const methods = [
  method(`bare: ${images} RSA-4096 verifications, ${files.length} files read`, () => {
    readBare();
    verifyBare();
  }),
  method('of it the verifications', verifyBare),
  method('of it the files', readBare),
  method('first pass, as the agent does', () =>
    pass(new OrdinaryHere(new WorkerEvaluator({ program })), images),
  ),
  method('first pass, all in a thread made for it', async () => {
    await using evaluator = new WorkerEvaluator({ program });
    await pass(evaluator, images);
  }),
  method('pass without verification', () => pass(nothing, images)),
  method('second pass, nothing changed', () => pass(inThisThread, 0, ...warm)),
  method('skopeo copy containers-storage: → dir:', copyBySkopeo, images / sampled.length),
];

const loads: number[] = [];
for (let round = 0; round <= Number(options.rounds); round++) {
  loads.push(loadavg()[0] ?? Number.NaN);
  for (const { run, scale, ms, cpuMs } of methods) {
    const start = performance.now();
    const cpu = process.cpuUsage();
    const children = childrenMs();
    await run();
    const { user, system } = process.cpuUsage(cpu);
    // The first round warms up.
    if (round === 0) continue;
    ms.push((performance.now() - start) * scale);
    cpuMs.push(((user + system) / 1000 + childrenMs() - children) * scale);
  }
}
for (const folder of [out, root]) rmSync(folder, { recursive: true });

const [limit] = methods;
const report = methods.map(({ name, ms, cpuMs }) => ({
  name,
  ms: round(median(ms)),
  best: round(Math.min(...ms)),
  cpuMs: round(median(cpuMs)),
  ratio: round(median(cpuMs.map((one, index) => one / (limit?.cpuMs[index] ?? one)))),
}));
const [, , , agent, own, , second, skopeo] = methods;
const overSkopeo = (of: Method | undefined, member: 'ms' | 'cpuMs' = 'cpuMs'): number =>
  round(median((of?.[member] ?? []).map((ms, at) => (skopeo?.[member][at] ?? Number.NaN) / ms)));
const summary = {
  node: process.version,
  load: round(median(loads)),
  skopeoByAgent: overSkopeo(agent),
  skopeoByOwnThread: overSkopeo(own),
};
const at = counted(images, 'images');
tell(
  besideBare('images.first', agent),
  besideBare('images.own-thread', own),
  besideBare('images.second', second),
  { id: 'images.over-skopeo.processor', at, ours: overSkopeo(agent) },
  { id: 'images.over-skopeo.clock', at, ours: overSkopeo(agent, 'ms') },
);
if (options.json) console.log(JSON.stringify({ ...summary, report }));
else {
  console.table(report);
  console.log(summary);
}

function besideBare(id: string, of: Method | undefined): Figure {
  const [ours, bare] = [of?.cpuMs ?? [], limit?.cpuMs ?? []];
  const ratio = median(ours.map((one, index) => one / (bare[index] ?? Number.NaN)));
  return { id, at, ours: median(ours), bare: median(bare), ratio };
}

/** Processor time of programs that ended, by proc(5); in steps of 10 ms. */
function childrenMs(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[13]) + Number(fields[14])) * 10;
}
