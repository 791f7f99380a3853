import type { ImageItem } from '../../shared/api.ts';
import { VERDICTS } from '../../shared/images.ts';
import { type Html, html } from './html.ts';
import { nodeLinks } from './links.ts';
import { requirementTexts, signatureTexts, userTexts } from './reported.ts';
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
  const { verdict, reason = '', message, release, policy, namespace, scope, source } = item;
  // That nobody asked for a signature is not all there is to say of an image whose release is signed.
  const why =
    verdict === 'unenforced' && release !== undefined ? `release ${release.version}` : reason;
  const steps: readonly (readonly [string, string])[] = [
    ['Policy', namespace === undefined ? policy : `${policy}, of the namespace ${namespace}`],
    ['Scope', scope],
    ...requirementTexts(item.requirements).map((text) => ['Asks for', text] as const),
    ['Signatures from', source],
    ...signatureTexts(item.signatures).map((text) => ['Signature', text] as const),
    ...userTexts(item.pods).map((text) => ['Used by', text] as const),
  ];
  return html`${cut(why, 100)}<details><summary>How it came about</summary>${message !== undefined && html`<p>${cut(message)}</p>`}
<dl>${steps.map(([name, text]) => html`<dt>${name}</dt><dd>${cut(text)}</dd>`)}</dl></details>`;
}
