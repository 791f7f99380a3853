import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomFrom } from '../support/random.ts';
import { MAX_INPUT_BYTES, mutateBytes } from './mutate.ts';
import type { FuzzTarget, PreparedTarget } from './target.ts';

/** Processor time that no input of a megabyte may take more of, in microseconds. */
const MAX_CPU_US = 100_000;

export interface FuzzOptions {
  readonly seed: number;
  /** How long mutations are made, in milliseconds; the corpus itself is always checked first. */
  readonly durationMs: number;
  readonly conformance: string | undefined;
}
/** Something that must not be, with the input that shows it. */
export interface FuzzFailure {
  readonly target: string;
  readonly what: string;
  /** Where the input was written. */
  readonly file: string;
}
export interface FuzzReport {
  readonly target: string;
  readonly inputs: number;
  readonly slowestMs: number;
  readonly failures: readonly FuzzFailure[];
}

/** No more than this many different failures are worth reading at once. */
const MAX_FAILURES = 5;

/** Checks a target's corpus, then mutations of it until time is up. The same seed makes the same mutations. */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzReport> {
  const prepared = await target.prepare(options.conformance);
  const random = randomFrom(options.seed);
  const failures: FuzzFailure[] = [];
  let inputs = 0;
  let slowestUs = 0;
  const attempt = async (input: Uint8Array): Promise<void> => {
    inputs++;
    const { what, cpuUs } = await checked(prepared, input);
    slowestUs = Math.max(slowestUs, cpuUs);
    if (what !== undefined) failures.push(await keep(target.name, what, input));
  };
  for (const input of prepared.corpus) await attempt(input);
  const { corpus, maxInputBytes } = prepared;
  const mutate =
    prepared.mutate ?? ((input, from) => mutateBytes(input, from, corpus, maxInputBytes));
  const end = performance.now() + options.durationMs;
  while (performance.now() < end && failures.length < MAX_FAILURES) {
    const input = prepared.corpus[random.below(prepared.corpus.length)] ?? new Uint8Array();
    await attempt(mutate(input, random));
  }
  return { target: target.name, inputs, slowestMs: slowestUs / 1000, failures };
}

/** Checks one input; undefined when all is well. */
export async function replay(
  target: FuzzTarget,
  input: Uint8Array,
  conformance: string | undefined,
): Promise<string | undefined> {
  return (await checked(await target.prepare(conformance), input)).what;
}

async function checked(
  { check, maxInputBytes = MAX_INPUT_BYTES }: PreparedTarget,
  input: Uint8Array,
): Promise<{ readonly what: string | undefined; readonly cpuUs: number }> {
  let cpuUs = Number.POSITIVE_INFINITY;
  // Compilation and garbage collection of other inputs count too: only what is slow every time is slow.
  for (let time = 0; time < 4 && cpuUs > MAX_CPU_US; time++) {
    const before = process.cpuUsage();
    const what = await outcome(check, input);
    const { user, system } = process.cpuUsage(before);
    cpuUs = Math.min(cpuUs, user + system);
    if (what !== undefined) return { what, cpuUs };
  }
  if (cpuUs <= MAX_CPU_US || input.length > maxInputBytes) return { what: undefined, cpuUs };
  return { what: `took ${Math.round(cpuUs / 1000)} ms for ${input.length} bytes`, cpuUs };
}

async function outcome(
  check: PreparedTarget['check'],
  input: Uint8Array,
): Promise<string | undefined> {
  try {
    return await check(input);
  } catch (thrown) {
    return `threw ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`;
  }
}

async function keep(target: string, what: string, input: Uint8Array): Promise<FuzzFailure> {
  const folder = await mkdtemp(join(tmpdir(), `nodeseal-fuzz-${target}-`));
  const file = join(folder, 'input');
  await writeFile(file, input);
  return { target, what, file };
}
