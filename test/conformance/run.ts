import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { counted, tell } from '../../bench/figure.ts';
import { type Judgement, judge } from './judge.ts';
import { KINDS } from './kinds/index.ts';
import { readTables } from './table.ts';

/**
 * Holds any folder of conformance tables against the product:
 * `npm run conformance -- --cases DIR --root DIR [--kind KIND] [--json FILE]`.
 * Exit status 0: every case agrees; 1: some do not, or a kind has no runner; 2: usage.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      cases: { type: 'string' },
      root: { type: 'string' },
      kind: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const { cases, root, kind, json } = values;
  if (cases === undefined || root === undefined) {
    process.stderr.write('usage: --cases DIR --root DIR [--kind KIND] [--json FILE]\n');
    return 2;
  }
  const tables = (await readTables(cases)).filter(
    (table) => kind === undefined || table.kind === kind,
  );
  if (tables.length === 0) {
    process.stderr.write(`${cases}: no table of ${kind ?? 'any kind'} here\n`);
    return 2;
  }
  const judgements: Judgement[] = [];
  for (const table of tables) {
    const judgement = await judge(table, KINDS, resolve(root));
    process.stdout.write(textOf(judgement));
    judgements.push(judgement);
  }
  const total = judgements.reduce((sum, judgement) => sum + judgement.total, 0);
  const agreed = judgements.reduce((sum, judgement) => sum + judgement.agreed, 0);
  process.stdout.write(`all: ${agreed}/${total}\n`);
  tell({ id: 'conformance', at: counted(total, 'cases'), ours: total - agreed });
  if (json !== undefined) {
    await writeFile(json, `${JSON.stringify({ total, agreed, kinds: judgements }, null, 2)}\n`);
  }
  return agreed === total ? 0 : 1;
}

function textOf({ kind, total, agreed, hasRunner, disagreements }: Judgement): string {
  if (!hasRunner) return `${kind}: no runner, ${total} cases not run\n`;
  const lines = disagreements.map(
    ({ id, differs, expected, actual, note }) =>
      `  ${id}: differs in ${differs.join(', ')}: expected ${JSON.stringify(expected)}, ` +
      `found ${JSON.stringify(actual)}${note === undefined ? '' : ` (${note})`}\n`,
  );
  return `${kind}: ${agreed}/${total}\n${lines.join('')}`;
}

process.exitCode = await main();
