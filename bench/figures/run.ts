import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PACKAGE_FOLDER } from '../../shared/version.ts';
import { endCurrent, execute } from './execute.ts';
import { keep, readKept, writeWhole } from './kept.ts';
import { outcomeOf } from './outcome.ts';
import { pageOf } from './page.ts';
import { type Choices, STEPS, type Step } from './steps.ts';

const USAGE = `usage: npm run figures -- [--only STEP,…] [--minutes M] [--seed S] [--nodes N] [--short] [--out DIR] [--list] [--page]
  --only     these steps alone; the results of the others stay as they are
  --minutes  length of the fault run and of the fuzz run (default 30)
  --seed     of draws, faults, mutations and the fleet (default: drawn, and kept)
  --nodes    size of the fleet (default 1000)
  --short    small sizes, to see that every step works; needs --out
  --out      folder of figures.md and figures/ (default docs)
  --list     names the steps, runs nothing
  --page     writes the page anew from what was kept, runs nothing
`;

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

interface RunOrder {
  readonly steps: readonly Step[];
  readonly choices: Choices;
  readonly out: string;
  readonly does: 'run' | 'list' | 'page';
}

/** What is wrong with the words, else what they ask for. */
function readOrder(args: readonly string[]): RunOrder | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        minutes: { type: 'string', default: '30' },
        seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
        nodes: { type: 'string', default: '1000' },
        short: { type: 'boolean', default: false },
        out: { type: 'string' },
        list: { type: 'boolean', default: false },
        page: { type: 'boolean', default: false },
      },
    });
    const [minutes, seed, nodes] = [values.minutes, values.seed, values.nodes].map(Number);
    if (!(Number(minutes) > 0)) return `--minutes ${values.minutes}: expected a number above 0`;
    if (!Number.isSafeInteger(seed) || Number(seed) < 0)
      return `--seed ${values.seed}: expected a whole number`;
    if (!Number.isSafeInteger(nodes) || Number(nodes) < 1)
      return `--nodes ${values.nodes}: expected a whole number above 0`;
    if (values.short && values.out === undefined)
      return '--short makes no figures: it needs --out DIR';
    if (values.list && values.page) return '--list and --page: one of them';
    const names = values.only?.split(',');
    const unknown = names?.find((name) => !STEPS.some((step) => step.name === name));
    if (unknown !== undefined) return `--only ${unknown}: no step of this name; --list names them`;
    return {
      steps: STEPS.filter(({ name }) => names?.includes(name) ?? true),
      choices: {
        ...{ minutes: Number(minutes), seed: Number(seed), nodes: Number(nodes) },
        isShort: values.short,
      },
      out: values.out === undefined ? join(PACKAGE_FOLDER, 'docs') : resolve(values.out),
      does: values.list ? 'list' : values.page ? 'page' : 'run',
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
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
