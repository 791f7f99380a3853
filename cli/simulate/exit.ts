import type { SimulationResult } from '../../shared/simulation.ts';
import { EXIT, type ExitCode } from '../exit.ts';

/**
 * 6: nodes did not answer, so the rest may be refused as well. 1: something would newly be refused. 6: nothing would, but
 * something is undecided or could not be read, as with `verify`.
 */
export function simulationExit({ summary, nodes }: SimulationResult): ExitCode {
  if (nodes.some(({ source }) => source !== 'live')) return EXIT.partial;
  if (summary.changes.newlyRefused > 0) return EXIT.findings;
  const isPartial = summary.changes.undecided > 0 || nodes.some(({ gaps }) => gaps.length > 0);
  return isPartial ? EXIT.partial : EXIT.clean;
}
