import type { ImageItem } from '../../shared/api.ts';
import { imageReason, imageSteps } from '../../shared/image-text.ts';
import { VERDICTS } from '../../shared/images.ts';
import { type Html, html } from './html.ts';
import { nodeLinks } from './links.ts';
import { type Column, table } from './table.ts';
import { cut, digest, verdictMark } from './words.ts';

/** The same verdict on one or several nodes; never empty. */
export type ImageGroup = readonly ImageItem[];

const COLUMNS: readonly Column<ImageGroup>[] = [
  {
    header: 'Image',
    cell: (group) => html`<bdi>${cut(first(group).reference, 200)}</bdi>`,
    sort: (group) => first(group).reference,
  },
  {
    header: 'Verdict',
    cell: (group) => verdictMark(first(group).verdict),
    sort: (group) => VERDICTS.indexOf(first(group).verdict),
  },
  { header: 'Reason', cell: (group) => explained(first(group)) },
  { header: 'Signed by', cell: (group) => cut(first(group).signedBy.join(', '), 200) },
  {
    header: 'Digest',
    cell: (group) => digest(first(group).digest),
    sort: (group) => first(group).digest,
  },
  { header: 'Pods', isNumber: true, cell: podsOf, sort: podsOf },
];
const NODES: Column<ImageGroup> = {
  header: 'Nodes',
  cell: (group) => html`<strong>${namesOf(group).length}</strong>: ${nodeLinks(namesOf(group), 4)}`,
  sort: (group) => namesOf(group).length,
};

/** Images of one node (then without the node), or of all. */
export function imageTable(
  caption: string,
  rows: readonly ImageGroup[],
  withNodes: boolean,
  empty: Html,
): Html {
  const [name, ...rest] = COLUMNS;
  const columns = withNodes && name ? [name, NODES, ...rest] : COLUMNS;
  return table({ caption, columns, rows, empty });
}

function first([item]: ImageGroup): ImageItem {
  if (item === undefined) throw new TypeError('a group has an image at least');
  return item;
}

function namesOf(group: ImageGroup): readonly string[] {
  return [...new Set(group.map(({ node }) => node))];
}

function podsOf(group: ImageGroup): number {
  return group.reduce((sum, { pods }) => sum + pods.length, 0);
}

/** Why, in a word; below it how the verdict came about. */
function explained(item: ImageItem): Html {
  const { message } = item;
  return html`${cut(imageReason(item), 100)}<details><summary>How it came about</summary>${message !== undefined && html`<p>${cut(message)}</p>`}
<dl>${imageSteps(item).map(([name, text]) => html`${name !== '' && html`<dt>${name}</dt>`}<dd>${cut(text)}</dd>`)}</dl></details>`;
}
