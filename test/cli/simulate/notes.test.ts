import t from 'tap';
import { nodeNotes } from '../../../cli/simulate/notes.ts';
import type { SimulatedNode } from '../../../shared/simulation.ts';

const NONE = { accepted: 0, unenforced: 0, rejected: 0, unknown: 0 };
function node(name: string, gaps: readonly string[], notes: readonly string[]): SimulatedNode {
  return { node: name, source: 'live', asOf: null, now: NONE, after: NONE, gaps, notes };
}

t.test('a note that many nodes have is said once, with some of them', async (t) => {
  const nodes = ['a', 'b', 'c', 'd', 'e'].map((name) => node(name, [], ['CRI-O has its own']));
  t.same(nodeNotes([...nodes, node('f\u001b[31m', ['no store', 'no store'], [])]), [
    'a, b, c and 2 more: CRI-O has its own',
    'f\\x1b[31m: no store',
  ]);
  t.same(nodeNotes([node('a', ['x'], ['x', 'y'])]), ['a: x', 'a: y']);
  t.same(nodeNotes([]), []);
});
