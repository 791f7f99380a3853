import type { NodeItem, NodeState } from '../../shared/api.ts';
import { ago } from '../duration.ts';
import type { Tone } from './colour.ts';
import type { Presentation } from './column.ts';
import { resultTone, resultWord } from './finding.ts';

const TONES: Readonly<Record<NodeState, Tone>> = {
  online: 'good',
  late: 'warn',
  silent: 'bad',
  stale: 'bad',
  expected: 'warn',
  conflict: 'bad',
  retired: 'dim',
};

/** Nodes as `get nodes` shows them: FAIL and UNKN count rules, BAD the images that are refused. */
export function nodePresentation(nowMs: number): Presentation<NodeItem> {
  const counted = (item: NodeItem, count: number): number | null =>
    // A node that was never seen has no numbers, not zero.
    item.lastSeen === null ? null : count;
  return {
    resource: 'node',
    nameOf: ({ name }) => name,
    columns: [
      { header: 'NAME', key: 'name', value: ({ name }) => name, shrink: 'end' },
      {
        header: 'STATE',
        key: 'state',
        value: ({ state }) => state,
        tone: ({ state }) => TONES[state],
      },
      { header: 'POOL', key: 'pool', value: ({ pool }) => pool, shrink: 'end' },
      {
        header: 'WORST',
        key: 'worst',
        value: ({ worst }) => worst,
        show: ({ worst }) => resultWord(worst),
        tone: ({ worst }) => resultTone(worst),
      },
      {
        header: 'FAIL',
        key: 'fail',
        value: (item) => counted(item, item.results.fail),
        align: 'right',
      },
      {
        header: 'UNKNOWN',
        key: 'undecided',
        value: (item) => counted(item, item.results.unknown + item.results.error),
        align: 'right',
      },
      { header: 'DRIFT', key: 'drift', value: (item) => counted(item, item.drift), align: 'right' },
      {
        header: 'REJECTED',
        key: 'imagesRejected',
        value: (item) => counted(item, item.images.rejected),
        align: 'right',
      },
      {
        header: 'PASS',
        key: 'pass',
        value: (item) => counted(item, item.results.pass),
        align: 'right',
        wide: true,
      },
      {
        header: 'ACCEPTED',
        key: 'imagesAccepted',
        value: (item) => counted(item, item.images.accepted),
        align: 'right',
        wide: true,
      },
      {
        header: 'UNENFORCED',
        key: 'imagesUnenforced',
        value: (item) => counted(item, item.images.unenforced),
        align: 'right',
        wide: true,
      },
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
