import type { NodeDetail } from '../../../shared/api.ts';
import { readReportedTrust } from '../../../shared/reported-trust.ts';
import type { Html } from '../html.ts';
import { noData } from '../table.ts';
import { trustView } from '../trust-view.ts';

/** The trust configuration in force. */
export function trustTab({ sections }: NodeDetail): Html {
  const items = Object.entries(sections['trust'] ?? {});
  if (items.length === 0) return noData('The node has not reported its trust configuration.');
  return trustView(readReportedTrust(new Map(items)));
}
