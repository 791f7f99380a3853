import type { NodeItem, NodeState } from '../../shared/api.ts';
import { resultWord } from '../../shared/results.ts';
import { ago } from '../duration.ts';
import type { Tone } from './colour.ts';
import type { Column, Presentation } from './column.ts';
import { resultSymbol, resultTone } from './result.ts';

const TONES: Readonly<Record<NodeState, Tone>> = {
  online: 'good',
  late: 'warn',
  silent: 'bad',
  stale: 'bad',
  expected: 'warn',
  conflict: 'bad',
  retired: 'dim',
};

/** What these said last may no longer hold: their numbers are `?`, and last known in the formats for programs. */
const UNHEARD: readonly NodeState[] = ['silent', 'stale', 'conflict'];

/** Nodes as `get nodes` shows them: FAIL and UNKNOWN count rules, REJECTED images. */
export function nodePresentation(nowMs: number): Presentation<NodeItem> {
  const isUnheard = ({ state }: NodeItem): boolean => UNHEARD.includes(state);
  const count = (
    header: string,
    key: string,
    countOf: (item: NodeItem) => number,
  ): Column<NodeItem> => ({
    header,
    key,
    // A node that was never seen has no numbers, not zero.
    value: (item) => (item.lastSeen === null ? null : countOf(item)),
    show: (item) => (item.lastSeen === null ? '' : isUnheard(item) ? '?' : String(countOf(item))),
    align: 'right',
  });
  return {
    resource: 'node',
    nameOf: ({ name }) => name,
    columns: [
      { header: 'NAME', key: 'name', value: ({ name }) => name, shrink: 'end', least: 16 },
      {
        header: 'STATE',
        key: 'state',
        value: ({ state }) => state,
        tone: ({ state }) => TONES[state],
      },
      { header: 'POOL', key: 'pool', value: ({ pool }) => pool, shrink: 'end', drop: 1 },
      {
        header: 'WORST',
        key: 'worst',
        value: ({ worst }) => worst,
        show: (item) => (isUnheard(item) ? 'stale' : resultWord(item.worst)),
        symbol: (item) => (isUnheard(item) ? 'unknown' : resultSymbol(item.worst)),
        tone: (item) => (isUnheard(item) ? 'warn' : resultTone(item.worst)),
      },
      count('FAIL', 'fail', ({ results }) => results.fail),
      {
        ...count('UNKNOWN', 'undecided', ({ results }) => results.unknown + results.error),
        drop: 2,
      },
      { ...count('DRIFT', 'drift', ({ drift }) => drift), drop: 4 },
      { ...count('REJECTED', 'imagesRejected', ({ images }) => images.rejected), drop: 3 },
      { ...count('PASS', 'pass', ({ results }) => results.pass), wide: true },
      { ...count('ACCEPTED', 'imagesAccepted', ({ images }) => images.accepted), wide: true },
      { ...count('UNENFORCED', 'imagesUnenforced', ({ images }) => images.unenforced), wide: true },
      {
        header: 'AGENT',
        key: 'agentVersion',
        value: ({ agentVersion }) => agentVersion,
        wide: true,
      },
      { header: 'UID', key: 'uid', value: ({ uid }) => uid, wide: true },
      {
        header: 'SEEN',
        key: 'lastSeen',
        value: ({ lastSeen }) => lastSeen,
        show: ({ lastSeen }) => (lastSeen === null ? 'never' : ago(lastSeen, nowMs)),
        drop: 5,
      },
    ],
  };
}

/** A state with what it means. */
export function nodeStateText(state: NodeState): string {
  return `${state} (${MEANINGS[state] ?? 'a state this program does not know'})`;
}

const MEANINGS: Readonly<Record<NodeState, string>> = {
  expected: 'should report and never did',
  online: 'reports',
  late: 'missed two heartbeats',
  silent: 'nothing for 5 minutes',
  stale: 'nothing for 24 hours, its data no longer count',
  conflict: 'two machines use its credential',
  retired: 'no longer expected',
};
