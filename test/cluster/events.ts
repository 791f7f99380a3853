import type { Test } from 'tap';
import type { EventItem } from './installation.ts';

/** Of both nodes every event that there was: one life of the spool, and in it no number left out or twice. */
export function everyEventIsThere(t: Test, items: readonly EventItem[]): void {
  for (const node of ['node1', 'node2']) {
    const own = items.filter((event) => event.node === node);
    t.equal(new Set(own.map(({ epoch }) => epoch)).size, 1, `${node} went on where it was`);
    const sequences = own.map(({ sequence }) => sequence).toSorted((a, b) => a - b);
    t.strictSame(
      sequences,
      sequences.map((_, at) => at + 1),
      `${node}: every event is there`,
    );
  }
}
