import { DIFFERING_CLASSES, type NodeDetail } from '../../../shared/api.ts';
import { counted } from '../../../shared/counted.ts';
import { toDriftItem } from '../../section-items.ts';
import { driftTable } from '../drift-table.ts';
import type { Html } from '../html.ts';
import { noData, noneFound } from '../table.ts';

/** Files of the node that differ from what they should be, or cannot be compared. */
export function driftTab({ node, sections }: NodeDetail): Html {
  const files = Object.entries(sections['files'] ?? {});
  const differing = files
    .map(([key, item]) => toDriftItem(node.name, key, item))
    .filter((item) => DIFFERING_CLASSES.some((one) => one === item.class));
  return driftTable(
    'Files that differ from what they should be, or cannot be compared',
    differing,
    false,
    files.length === 0
      ? noData('The node has not reported its files.')
      : noneFound(
          `${counted(files.length, 'file is as it should be, or nobody manages it', 'files are as they should be, or nobody manages them')}.`,
        ),
  );
}
