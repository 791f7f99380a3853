import type { DriftItem } from '../../shared/api.ts';
import { type Html, html } from './html.ts';
import { nodeLink } from './links.ts';
import { type Column, table } from './table.ts';
import { classMark, cut, digest } from './words.ts';

const COLUMNS: readonly Column<DriftItem>[] = [
  {
    header: 'File',
    cell: ({ path }) => html`<bdi>${cut(path, 200)}</bdi>`,
    sort: ({ path }) => path,
  },
  { header: 'Class', cell: (item) => classMark(item.class), sort: (item) => item.class },
  { header: 'Content', cell: ({ sha256, expectedSha256 }) => pair(sha256, expectedSha256) },
  { header: 'Mode', cell: ({ mode, expectedMode }) => modes(mode, expectedMode) },
  { header: 'Managed by', cell: ({ manager, reason }) => cut(manager ?? reason ?? '–', 200) },
];
const NODE: Column<DriftItem> = {
  header: 'Node',
  cell: ({ node, nodeState }) =>
    html`${nodeLink(node, 'drift')}${nodeState !== undefined && ` (${nodeState})`}`,
  sort: ({ node }) => node,
};

/** Files of one node (then without the node), or of all. */
export function driftTable(
  caption: string,
  rows: readonly DriftItem[],
  withNode: boolean,
  empty: Html,
): Html {
  const [first, ...rest] = COLUMNS;
  const columns = withNode && first ? [first, NODE, ...rest] : COLUMNS;
  return table({ caption, columns, rows, empty });
}

function pair(found: string | null, expected: string | undefined): Html {
  if (expected === undefined || expected === found) return digest(found);
  return html`${digest(found)}, expected ${digest(expected)}`;
}

function modes(found: number | null, expected: number | undefined): string {
  const text = found === null ? '–' : octal(found);
  return expected === undefined || expected === found
    ? text
    : `${text}, expected ${octal(expected)}`;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
