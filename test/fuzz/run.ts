import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { counted, tell } from '../../bench/figure.ts';
import { sharedDir } from '../support/shared.ts';
import { fuzz, replay } from './engine.ts';
import { TARGETS } from './targets/index.ts';

const USAGE = `usage: npm run fuzz -- [--seconds N] [--seed S] [--target ${TARGETS.map(({ name }) => name).join('|')}] [--input FILE]\n`;

/**
 * Feeds mutations of good and bad inputs to the trust rules for some seconds, shared by all targets or given to one;
 * with `--input` checks one file, such as a failing input that was kept. Exit status 0: nothing found; 1: failures,
 * printed with the files that show them; 2: usage.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      target: { type: 'string' },
      input: { type: 'string' },
    },
  });
  const targets = TARGETS.filter(
    ({ name }) => values.target === undefined || name === values.target,
  );
  const seconds = Number(values.seconds);
  const seed = Number(values.seed);
  const [first] = targets;
  if (first === undefined || !(seconds > 0) || !Number.isInteger(seed)) {
    process.stderr.write(USAGE);
    return 2;
  }
  const shared = sharedDir();
  const conformance = shared === undefined ? undefined : join(shared, 'conformance');
  if (values.input !== undefined) {
    if (values.target === undefined) {
      process.stderr.write(USAGE);
      return 2;
    }
    const what = await replay(first, await readFile(values.input), conformance);
    process.stdout.write(`${first.name}: ${what ?? 'nothing wrong'}\n`);
    return what === undefined ? 0 : 1;
  }
  process.stdout.write(`seed ${seed}\n`);
  let hasFailed = false;
  for (const target of targets) {
    const durationMs = (seconds * 1000) / targets.length;
    const report = await fuzz(target, { seed, durationMs, conformance });
    const slowest = report.slowestMs.toFixed(1);
    process.stdout.write(`${report.target}: ${report.inputs} inputs, slowest ${slowest} ms\n`);
    for (const { what, file } of report.failures) process.stdout.write(`  ${file}: ${what}\n`);
    const at = `${report.target}, ${counted(report.inputs, 'inputs')}`;
    tell(
      { id: 'fuzz.failures', at, ours: report.failures.length },
      { id: 'fuzz.slowest', at, ours: report.slowestMs },
    );
    hasFailed ||= report.failures.length > 0;
  }
  return hasFailed ? 1 : 0;
}

process.exitCode = await main();
