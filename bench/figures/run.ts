import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_FOLDER } from '../../shared/version.ts';
import { endCurrent, execute } from './execute.ts';
import { keep, readKept, writeWhole } from './kept.ts';
import { readOrder, USAGE } from './order.ts';
import { outcomeOf } from './outcome.ts';
import { pageOf } from './page.ts';
import { STEPS } from './steps.ts';

/**
 * Runs every benchmark and campaign, one after the other, keeps what each told in figures/STEP.json and writes figures.md
 * from all that was kept. Steps that take turns may run beside each other, one process each. Exit status 0: every step came
 * to its end; 1: one did not, and the page says why; 2: usage.
 */
async function main(args: readonly string[]): Promise<number> {
  const order = readOrder(args);
  if (typeof order === 'string') {
    process.stderr.write(`${order}\n${USAGE}`);
    return 2;
  }
  const { steps, choices, out, does } = order;
  if (does === 'list') {
    for (const { name } of STEPS) process.stdout.write(`${name}\n`);
    return 0;
  }
  if (does === 'page') {
    writePage(out);
    return 0;
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      endCurrent();
      process.exit(1);
    });
  }
  // What was built before may be of another commit.
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: PACKAGE_FOLDER, stdio: 'inherit' });
  let isWhole = true;
  for (const step of steps) {
    process.stdout.write(`${step.name} …\n`);
    const kept = await execute(step, choices);
    keep(join(out, 'figures'), kept);
    writePage(out);
    isWhole &&= kept.failed === undefined;
    for (const figure of kept.figures) {
      const { id, at = '', ours, bare = '' } = figure;
      process.stdout.write(`  ${[id, at, ours, bare, outcomeOf(figure) ?? ''].join('\t')}\n`);
    }
    const ending = kept.failed === undefined ? '' : `: ${kept.failed}`;
    process.stdout.write(`${step.name} took ${kept.conditions.seconds} s${ending}\n`);
  }
  return isWhole ? 0 : 1;
}

/** Until the page is what the results make: another run may have kept one meanwhile. */
function writePage(out: string): void {
  const file = join(out, 'figures.md');
  for (;;) {
    const page = pageOf(readKept(join(out, 'figures')));
    writeWhole(file, page);
    if (readFileSync(file, 'utf8') === pageOf(readKept(join(out, 'figures')))) return;
  }
}

process.exitCode = await main(process.argv.slice(2));
