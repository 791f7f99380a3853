import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PACKAGE_FOLDER } from '../../shared/version.ts';
import type { Figure } from '../figure.ts';
import { noteConditions } from './conditions.ts';
import { type Kept, type Profile, readFigures } from './kept.ts';
import { outcomeOf } from './outcome.ts';
import { summarise } from './profile.ts';
import type { Choices, Command, Profiling, Step } from './steps.ts';

/** What the programs of the steps printed; the last run's of each step. */
const LOGS = join(PACKAGE_FOLDER, 'build/figures');

/** The process that runs now; it leads a group of its own, so that its children end with it. */
let current: ChildProcess | undefined;

/** Ends whatever a step has started. */
export function endCurrent(): void {
  if (current?.pid === undefined || current.exitCode !== null) return;
  try {
    process.kill(-current.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Runs a step; what went wrong is part of the answer, beside the figures that were told before. */
export async function execute(step: Step, choices: Choices): Promise<Kept> {
  const commands = step.commands(choices);
  const conditions = noteConditions(step.peers ?? []);
  const folder = mkdtempSync(join(tmpdir(), 'nodeseal-figures-'));
  const told = join(folder, 'told');
  closeSync(openSync(told, 'w'));
  const limitMs = (step.limitMinutes?.(choices) ?? 20) * 60_000;
  let failed = step.whyNot?.() || undefined;
  for (const command of failed === undefined ? commands : []) {
    const env = { NODESEAL_FIGURES: told };
    failed ??= await run(command, { env, limitMs, log: step.name });
  }
  let figures: readonly Figure[] = [];
  try {
    figures = readFigures(readFileSync(told, 'utf8'));
  } catch (error) {
    failed ??= `what it told is no figure: ${error instanceof Error ? error.message : error}`;
  }
  if (failed === undefined && figures.length === 0) failed = 'no figure was told';
  const seen = conditions();
  const isShort = figures.some((figure) => outcomeOf(figure) === 'falls short');
  const profile =
    isShort && step.profiling !== undefined
      ? await profileOf(step.profiling, { folder, limitMs, log: `${step.name}-profile` })
      : undefined;
  rmSync(folder, { recursive: true });
  return {
    step: step.name,
    commands: commands.map(lineOf),
    conditions: seen,
    ...(step.hasSeed === true ? { seed: choices.seed } : {}),
    isShort: choices.isShort,
    ...(failed === undefined ? {} : { failed }),
    figures,
    ...(profile === undefined ? {} : { profile }),
  };
}

async function profileOf(
  profiling: Profiling,
  { folder, limitMs, log }: { folder: string; limitMs: number; log: string },
): Promise<Profile> {
  const { kind, command } = profiling;
  const into = join(folder, 'profiles');
  mkdirSync(into);
  const name = kind === 'processor' ? 'cpu' : 'heap';
  // Every 250 µs, and every 32 KiB.
  const interval = kind === 'processor' ? 250 : 32_768;
  const options = `--${name}-prof --${name}-prof-dir=${into} --${name}-prof-interval=${interval}`;
  const line = `NODE_OPTIONS=--${name}-prof ${lineOf(command)}`;
  try {
    const failed = await run(command, { env: { NODE_OPTIONS: options }, limitMs, log });
    if (failed !== undefined) throw new Error(failed);
    return { kind, command: line, ...summarise(into, profiling) };
  } catch (error) {
    const failed = error instanceof Error ? error.message : String(error);
    return { kind, command: line, total: 0, rows: [], failed };
  }
}

/** Why it did not end well; undefined when it did. */
async function run(
  { file, args }: Command,
  { env, limitMs, log }: { env: NodeJS.ProcessEnv; limitMs: number; log: string },
): Promise<string | undefined> {
  mkdirSync(LOGS, { recursive: true });
  const path = join(LOGS, `${log}.log`);
  const output = openSync(path, 'w');
  const child = spawn(process.execPath, [file, ...args], {
    ...{ cwd: PACKAGE_FOLDER, detached: true, env: { ...process.env, ...env } },
    stdio: ['ignore', output, output],
  });
  current = child;
  let isLate = false;
  const limit = setTimeout(() => {
    isLate = true;
    endCurrent();
  }, limitMs);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(limit);
  closeSync(output);
  if (isLate) return `${file} was ended after ${limitMs / 60_000} minutes`;
  if (code === 0) return undefined;
  return `${file} ended with ${code ?? signal}: ${lastWords(readFileSync(path, 'utf8'))}`;
}

/** The error of a program, else the last line that it printed. */
function lastWords(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const said = lines.findLast((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1);
  return said?.trim().replaceAll(`${PACKAGE_FOLDER}/`, '').slice(0, 200) ?? 'it printed nothing';
}

function lineOf({ file, args }: Command): string {
  return ['node', file, ...args].join(' ');
}
