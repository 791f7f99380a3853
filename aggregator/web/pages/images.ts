import type { ImageItem } from '../../../shared/api.ts';
import { canonicalJson } from '../../../shared/canonical.ts';
import { VERDICTS } from '../../../shared/images.ts';
import { filterForm, pager } from '../filters.ts';
import { html } from '../html.ts';
import { imageTable } from '../image-table.ts';
import type { Page } from '../page.ts';
import { emptyList, live, noneFound } from '../table.ts';

const PAGE_ROWS = 1000;

export const images: Page = {
  path: '/images',
  section: 'images',
  query: ['verdict', 'node', 'reference', 'continue'],
  topics: ['images', 'nodes'],
  async render({ query, ask, views }) {
    const chosen = {
      verdict: query.text('verdict'),
      node: query.text('node'),
      reference: query.text('reference'),
    };
    const after = query.text('continue');
    const list = await ask('GET /v1/images', {
      query: { ...chosen, continue: after, limit: String(PAGE_ROWS) },
    });
    const { items, coverage = { expected: 0, reporting: 0, missing: [] } } = list;
    const { images: counts } = views.overview();
    const isFiltered = Object.values(chosen).some((value) => value !== undefined);
    const words = VERDICTS.map((verdict) => `${counts[verdict]} ${verdict}`).join(', ');
    const part =
      list.continue === undefined && after === undefined ? '' : ' in this part of the list';
    return {
      title: 'Images',
      main: html`${filterForm('/images', [
        { name: 'verdict', label: 'Verdict', options: VERDICTS, value: chosen.verdict },
        { name: 'reference', label: 'Image', value: chosen.reference },
        { name: 'node', label: 'Node', value: chosen.node },
      ])}
${live(
  'images',
  html`<p>On all nodes: ${words}.</p>${imageTable(
    `Images with the same verdict for the same reason are one row${part}, refused first`,
    grouped(items),
    true,
    isFiltered ? noneFound('No image is as asked for.') : emptyList(coverage, 'image'),
  )}${pager('/images', chosen, after, list.continue)}`,
)}`,
    };
  },
};

/** Verdicts that differ in nothing but the node and its pods, together; in the order of the first of each. */
function grouped(items: readonly ImageItem[]): readonly (readonly ImageItem[])[] {
  const groups = new Map<string, ImageItem[]>();
  for (const item of items) {
    const { reference, digest, verdict, policy, namespace = '', reason = '', signedBy } = item;
    const key = canonicalJson([
      reference,
      digest,
      verdict,
      policy,
      namespace,
      reason,
      [...signedBy],
    ]);
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(item);
  }
  return [...groups.values()];
}
