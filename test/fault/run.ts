import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { counted, tell } from '../../bench/figure.ts';
import { runCampaign } from './campaign.ts';

const USAGE = 'usage: npm run fault -- [--minutes M] [--seed S] [--agents N] [--verbose]\n';

/**
 * Random faults on agents, their spools, the aggregator and the way between them, from one seed. Prints a table; exit
 * status 0: what was delivered and declared lost is what was generated, nothing twice; 1: not, and what is left of the
 * run is kept; 2: usage.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '3' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      agents: { type: 'string', default: '3' },
      verbose: { type: 'boolean', default: false },
    },
  });
  const [minutes, seed, agents] = [values.minutes, values.seed, values.agents].map(Number);
  if (minutes === undefined || !(minutes > 0) || !Number.isInteger(seed) || !(Number(agents) > 0)) {
    process.stderr.write(USAGE);
    return 2;
  }
  process.stdout.write(`seed ${seed}\n`);
  const folder = mkdtempSync(join(tmpdir(), 'nodeseal-fault-'));
  const options = { folder, minutes, seed: Number(seed), agents: Number(agents) };
  const report = await runCampaign(options, (line) => {
    if (values.verbose) process.stderr.write(`${line}\n`);
  });
  for (const [name, value] of Object.entries(report)) {
    process.stdout.write(`${name.padEnd(20)} ${String(value).padStart(8)}\n`);
  }
  const { generated, delivered, declaredLost, duplicated } = report;
  const at = `${minutes} minutes, ${counted(generated, 'events')}`;
  tell(
    { id: 'fault.difference', at, ours: Math.abs(generated - delivered - declaredLost) },
    { id: 'fault.duplicated', at, ours: duplicated },
    { id: 'fault.unaccounted', at, ours: report.unaccounted + report.acknowledgedMissing },
  );
  const isWhole =
    delivered + declaredLost === generated &&
    duplicated === 0 &&
    report.unaccounted === 0 &&
    report.acknowledgedMissing === 0;
  if (isWhole) rmSync(folder, { recursive: true });
  else process.stdout.write(`not accounted for; kept: ${folder}\n`);
  return isWhole ? 0 : 1;
}

process.exitCode = await main();
