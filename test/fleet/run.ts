import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { counted, tell } from '../../bench/figure.ts';
import { type FleetReport, runFleet } from './fleet.ts';

const USAGE = `usage: npm run fleet -- [--nodes N] [--seconds S] [--seed X] [--every SECONDS] [--rate N]
  --every   a result changes on each node so often (default 10)
  --rate    so many agents start a second (default 150)
`;

/**
 * A fleet of agents with real spools and links and simulated checks, against one aggregator process, which is stopped
 * and then killed under them (I9, I13). Prints a table; exit status 0: every event is accounted for and all came back
 * in 120 s; 1: not; 2: usage.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      nodes: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '20' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 20) },
      every: { type: 'string', default: '10' },
      rate: { type: 'string', default: '150' },
    },
  });
  const [nodes, seconds, seed, every, rate] = [
    Number(values.nodes),
    Number(values.seconds),
    Number(values.seed),
    Number(values.every),
    Number(values.rate),
  ];
  if (![nodes, seconds, every, rate].every((n) => n > 0) || !Number.isInteger(seed)) {
    process.stderr.write(USAGE);
    return 2;
  }
  const folder = mkdtempSync(join(tmpdir(), 'nodeseal-fleet-'));
  process.stdout.write(`seed ${seed}\n`);
  const isTerminal = process.stderr.isTTY;
  try {
    const report = await runFleet(
      {
        ...{ folder, nodes, seconds, seed, rate },
        everyMs: every * 1000,
        restarts: ['SIGTERM', 'SIGKILL'],
      },
      (line) => void (isTerminal && process.stderr.write(`${line}\n`)),
    );
    const { phases, ...figures } = report;
    process.stdout.write(`${table(phases)}\n${JSON.stringify(figures, null, 2)}\n`);
    tellFigures(report);
    const isBack = phases.every(
      ({ name, connectedSeconds = Number.POSITIVE_INFINITY }) =>
        !name.startsWith('after') || connectedSeconds <= 120,
    );
    const isWhole = report.stored + report.lost === report.generated && report.duplicates === 0;
    if (!isBack) process.stdout.write('not all agents were back after 120 s\n');
    if (!isWhole) process.stdout.write('delivered and lost are not what was generated\n');
    return isBack && isWhole ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A phase that did not come to its end is as long as it was waited for. */
function tellFigures({
  nodes,
  phases,
  stored,
  lost,
  generated,
  duplicates,
  refused,
}: FleetReport): void {
  const at = counted(nodes, 'nodes');
  for (const phase of phases) {
    const name = `fleet.${phase.name.replace('after ', '')}`;
    if (phase.name === 'steady') {
      tell(
        { id: `${name}.processor`, at, ours: (phase.cpuSeconds / phase.seconds) * 100 },
        { id: `${name}.memory`, at, ours: phase.rssMiB },
      );
    } else tell({ id: `${name}.back`, at, ours: phase.convergedSeconds ?? phase.seconds });
    tell({ id: `${name}.loop`, at, ours: phase.loopDelayP99Ms, bare: phase.machineP99Ms });
  }
  tell(
    { id: 'fleet.difference', at, ours: Math.abs(generated - stored - lost) },
    { id: 'fleet.duplicates', at, ours: duplicates },
    { id: 'fleet.refused', at, ours: refused },
  );
}

function table(rows: readonly object[]): string {
  const names = Object.keys(rows[0] ?? {});
  const cells = [
    names,
    ...rows.map((row) => Object.values(row).map((cell) => String(cell ?? '-'))),
  ];
  const widths = names.map((_, at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)));
  return cells
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

process.exitCode = await main();
