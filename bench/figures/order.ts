import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PACKAGE_FOLDER } from '../../shared/version.ts';
import { type Choices, STEPS, type Step } from './steps.ts';

export const USAGE: string = `usage: npm run figures -- [--only STEP,…] [--minutes M] [--seed S] [--nodes N] [--short] [--out DIR] [--list] [--page]
  --only     these steps alone; the results of the others stay as they are
  --minutes  length of the fault run and of the fuzz run (default 30)
  --seed     of draws, faults, mutations and the fleet (default: drawn, and kept)
  --nodes    size of the fleet (default 1000)
  --short    small sizes, to see that every step works; needs --out
  --out      folder of figures.md and figures/ (default docs)
  --list     names the steps, runs nothing
  --page     writes the page anew from what was kept, runs nothing
`;

/** What the words of `npm run figures` ask for. */
export interface Order {
  readonly steps: readonly Step[];
  readonly choices: Choices;
  readonly out: string;
  readonly does: 'run' | 'list' | 'page';
}

/** A text where something is wrong with the words. */
export function readOrder(args: readonly string[]): Order | string {
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
