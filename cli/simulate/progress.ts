import type { SimulationItem } from '../../shared/api-simulation.ts';
import { counted } from '../../shared/counted.ts';
import type { Sink } from '../io.ts';

/** How far a simulation is, as one line of a terminal that is written anew; nothing where there is none. */
export class ProgressLine implements Disposable {
  readonly #sink: Sink;
  #isShown = false;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  show({ progress }: SimulationItem): void {
    if (!this.#sink.isTerminal) return;
    const { nodes, asked, answered, failed, offline } = progress;
    const rest = [
      ...(failed > 0 ? [`${failed} without an answer`] : []),
      ...(offline > 0 ? [`${offline} offline`] : []),
    ];
    const line = [
      `${answered} of ${counted(nodes, 'node')} answered, ${asked} asked`,
      ...rest,
    ].join(', ');
    const room = (this.#sink.columns ?? 80) - 1;
    this.#sink.write(`\r\x1b[K${line.slice(0, room)}`);
    this.#isShown = true;
  }

  [Symbol.dispose](): void {
    if (this.#isShown) this.#sink.write('\r\x1b[K');
  }
}
