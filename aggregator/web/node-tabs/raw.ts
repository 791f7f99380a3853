import type { NodeDetail } from '../../../shared/api.ts';
import { safeJson } from '../../../shared/safe-text.ts';
import { type Html, html, lines } from '../html.ts';

/** What `GET /v1/nodes/NAME` answers. */
export function rawTab(detail: NodeDetail): Html {
  return html`<p>The same as <code>nodeseal describe node NAME -o json</code>.</p>
<pre tabindex="0" role="region" aria-label="The node as JSON">${lines(safeJson(JSON.stringify(detail, null, 2)))}</pre>`;
}
