import type { NodeDetail } from '../../../shared/api.ts';
import type { Json } from '../../../shared/canonical.ts';
import { type Html, html } from '../html.ts';
import { policyView } from '../policy-view.ts';
import { noData, table } from '../table.ts';
import { cut } from '../words.ts';

/** The trust configuration in force: the policy, then everything else the node told of it. */
export function trustTab({ sections }: NodeDetail): Html {
  const { policy, ...others } = sections['trust'] ?? {};
  if (policy === undefined && Object.keys(others).length === 0) {
    return noData('The node has not reported its trust configuration.');
  }
  return html`${policy !== undefined && policyView(policy)}
${table<readonly [string, Json]>({
  caption: 'Registries, keys and other policies',
  columns: [
    { header: 'What', cell: ([key]) => html`<bdi>${cut(key, 200)}</bdi>`, sort: ([key]) => key },
    {
      header: 'As reported',
      cell: ([, item]) => html`<code>${cut(JSON.stringify(item), 1000)}</code>`,
    },
  ],
  rows: Object.entries(others),
  empty: noData('The node has told of no registries and no keys.'),
})}`;
}
