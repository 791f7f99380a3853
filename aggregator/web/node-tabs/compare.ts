import type { NodeDetail } from '../../../shared/api.ts';
import { canonicalJson } from '../../../shared/canonical.ts';
import { findingKey } from '../../../shared/findings.ts';
import { toDriftItem } from '../../section-items.ts';
import { type Html, html } from '../html.ts';
import { noneFound, table } from '../table.ts';
import { cut } from '../words.ts';

interface Difference {
  readonly what: string;
  readonly here: string;
  readonly there: string;
}
type Side = (detail: NodeDetail) => ReadonlyMap<string, string>;

/** How two nodes differ: results of rules, files, trust configuration. */
export function compareTab(one: NodeDetail, other: NodeDetail): Html {
  const names = [one.node.name, other.node.name] as const;
  return html`${differences('Results of rules that differ', resultsIn, one, other, names)}
${differences('Files that differ', filesIn, one, other, names)}
${differences('Trust configuration that differs', trustIn, one, other, names)}`;
}

function differences(
  caption: string,
  side: Side,
  one: NodeDetail,
  other: NodeDetail,
  [here, there]: readonly [string, string],
): Html {
  const [a, b] = [side(one), side(other)];
  const keys = [...new Set([...a.keys(), ...b.keys()])].filter((key) => a.get(key) !== b.get(key));
  const rows: readonly Difference[] = keys.sort().map((what) => {
    return { what, here: a.get(what) ?? 'not there', there: b.get(what) ?? 'not there' };
  });
  return table({
    caption,
    columns: [
      { header: 'What', cell: (row) => html`<bdi>${cut(row.what, 200)}</bdi>` },
      { header: cut(here, 64), cell: (row) => cut(row.here) },
      { header: cut(there, 64), cell: (row) => cut(row.there) },
    ],
    rows,
    empty: noneFound(`${a.size} on one node and ${b.size} on the other were compared.`),
  });
}

function resultsIn({ findings }: NodeDetail): ReadonlyMap<string, string> {
  return new Map(findings.map((finding) => [findingKey(finding), finding.result]));
}

/** Content, mode and owner: what of a file could differ. */
function filesIn({ node, sections }: NodeDetail): ReadonlyMap<string, string> {
  const files = Object.entries(sections['files'] ?? {});
  return new Map(
    files.map(([key, item]) => {
      const { sha256, mode, uid = '–', gid = '–' } = toDriftItem(node.name, key, item);
      const octal = mode === null ? '–' : mode.toString(8).padStart(4, '0');
      return [key, `${sha256 ?? 'no content'} ${octal} ${uid}:${gid}`];
    }),
  );
}

function trustIn({ sections }: NodeDetail): ReadonlyMap<string, string> {
  const items = Object.entries(sections['trust'] ?? {});
  return new Map(items.map(([key, item]) => [key, canonicalJson(item)]));
}
