import type { NodeDetail } from '../../../shared/api.ts';
import { findingTable } from '../finding-table.ts';
import type { Html } from '../html.ts';
import { noData } from '../table.ts';

export function checksTab({ findings }: NodeDetail): Html {
  return findingTable(
    'All rules, worst first',
    findings,
    'node',
    noData('The node has not reported its checks.'),
  );
}
