import type { SimulationResult, SimulationSource } from '../../shared/simulation.ts';
import { EXIT, type ExitCode } from '../exit.ts';

/**
 * 1: something would newly be refused, whatever else is not known. 6: nothing would that is known, but nodes did not
 * answer, or something is undecided or could not be read. As with `verify`.
 */
export function simulationExit({ summary, nodes }: SimulationResult): ExitCode {
  const { newlyRefused, undecided } = summary.changes;
  if (newlyRefused > 0) return EXIT.findings;
  const isAnswer = (source: SimulationSource): boolean =>
    source === 'live' || source === 'snapshot';
  const isWhole = nodes.every(({ source, gaps }) => isAnswer(source) && gaps.length === 0);
  return isWhole && undecided === 0 ? EXIT.clean : EXIT.partial;
}
