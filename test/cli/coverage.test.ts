import t from 'tap';
import { coverageText } from '../../cli/coverage.ts';

t.test(
  'an answer says for how many nodes it speaks, and how old the list of nodes is',
  async (t) => {
    const all = { expected: 2, reporting: 2, missing: [] };
    const one = {
      expected: 1,
      reporting: 0,
      missing: [{ node: 'a', cause: 'never seen, cordoned' }],
    };
    const asOf = '2026-11-28T00:00:00.000Z';
    const cases = [
      [all, '2 of 2 nodes reporting'],
      [one, '0 of 1 node reporting; not: a (never seen, cordoned)'],
      [{ ...all, sources: [{ source: 'kubernetes', asOf, nodes: 2 }] }, '2 of 2 nodes reporting'],
      [
        { ...all, sources: [{ source: 'kubernetes', asOf, nodes: 2, reason: 'away' }] },
        `2 of 2 nodes reporting (expected by kubernetes as of ${asOf})`,
      ],
      [
        { ...one, sources: [{ source: 'inventoryFile', asOf: null, nodes: 0, reason: 'away' }] },
        '0 of 1 node reporting (expected by inventoryFile as of never); not: a (never seen, cordoned)',
      ],
    ] as const;
    for (const [coverage, text] of cases) t.equal(coverageText(coverage), text);
  },
);
