import type { ImageItem } from '../../shared/api.ts';
import { VERDICTS } from '../../shared/images.ts';
import { type Html, html } from './html.ts';
import { nodeLink } from './links.ts';
import { type Column, table } from './table.ts';
import { cut, digest, verdictMark } from './words.ts';

const COLUMNS: readonly Column<ImageItem>[] = [
  {
    header: 'Image',
    cell: ({ reference }) => html`<bdi>${cut(reference, 200)}</bdi>`,
    sort: ({ reference }) => reference,
  },
  {
    header: 'Verdict',
    cell: ({ verdict }) => verdictMark(verdict),
    sort: ({ verdict }) => VERDICTS.indexOf(verdict),
  },
  { header: 'Reason', cell: reasonOf },
  { header: 'Signed by', cell: ({ signedBy }) => cut(signedBy.join(', '), 200) },
  { header: 'Digest', cell: ({ digest: text }) => digest(text), sort: ({ digest: text }) => text },
  {
    header: 'Pods',
    isNumber: true,
    cell: ({ pods }) => pods.length,
    sort: ({ pods }) => pods.length,
  },
];
const NODE: Column<ImageItem> = {
  header: 'Node',
  cell: ({ node, nodeState }) =>
    html`${nodeLink(node, 'images')}${nodeState !== undefined && ` (${nodeState})`}`,
  sort: ({ node }) => node,
};

/** Images of one node (then without the node), or of all. */
export function imageTable(
  caption: string,
  rows: readonly ImageItem[],
  withNode: boolean,
  empty: Html,
): Html {
  const [first, ...rest] = COLUMNS;
  const columns = withNode && first ? [first, NODE, ...rest] : COLUMNS;
  return table({ caption, columns, rows, empty });
}

/** That nobody asked for a signature is not all there is to say of an image whose release is signed. */
function reasonOf({ verdict, reason, message, release, policy, scope }: ImageItem): Html {
  const why =
    verdict === 'unenforced' && release !== undefined ? `release ${release.version}` : reason;
  return html`${cut(why ?? '', 100)}<details><summary>Policy</summary><p>${cut(policy, 200)}, scope ${cut(scope, 200)}</p>${message !== undefined && html`<p>${cut(message)}</p>`}</details>`;
}
