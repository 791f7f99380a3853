import type { PolicyItem } from '../../../shared/api-pools.ts';
import { counted } from '../../../shared/counted.ts';
import { fieldOf } from '../../../shared/field-of.ts';
import { list, requirementTexts } from '../../../shared/reported-text.ts';
import { readReportedTrust } from '../../../shared/reported-trust.ts';
import { diffTrust } from '../../../shared/trust-changes.ts';
import { filterForm } from '../filters.ts';
import { type Html, html } from '../html.ts';
import { imageTable } from '../image-table.ts';
import { nodeLinks, segment } from '../links.ts';
import type { Page, PageRequest } from '../page.ts';
import { type Column, emptyList, live, noneFound, table } from '../table.ts';
import { trustChangesView } from '../trust-changes-view.ts';
import { trustView } from '../trust-view.ts';
import { cut, digest, mark } from '../words.ts';

const NOBODY = { expected: 0, reporting: 0, missing: [] };
const SHOWN_USES = 500;

export const trust: Page = {
  path: '/trust',
  section: 'trust',
  query: ['pool', 'image'],
  topics: ['nodes'],
  async render(request) {
    const { query, ask, views } = request;
    const [pool, image] = [query.text('pool'), query.text('image')];
    const { items, coverage = NOBODY } = await ask('GET /v1/policies', { query: { pool } });
    const pools = views.overview().pools.map((row) => row.pool);
    return {
      title: 'Trust',
      main: html`${filterForm('/trust', [
        { name: 'pool', label: 'Pool', options: pools, value: pool },
        { name: 'image', label: 'Explain image', value: image },
      ])}
${image !== undefined && html`<section><h2>Image ${cut(image, 200)}</h2>${live('image', await explained(image, request))}</section>`}
<section><h2>Who trusts images by what</h2>
${live(
  'groups',
  table({
    caption: 'Nodes whose trust in images comes to the same, most nodes first',
    columns: COLUMNS,
    rows: items,
    empty: emptyList(coverage, 'trust configuration'),
  }),
)}</section>`,
    };
  },
};

/** One of the groups with everything that its nodes trust by. */
export const trustGroup: Page = {
  path: '/trust/:name',
  section: 'trust',
  query: [],
  topics: [],
  async render({ name, ask }) {
    const { items } = await ask('GET /v1/policies/:name', { name });
    const [group] = items;
    if (group === undefined) throw new TypeError('a policy by its name is one at least');
    const { items: all } = await ask('GET /v1/policies', {});
    const majority = all.find(({ digest: other, majorityOf }) => {
      return other !== name && majorityOf.some((pool) => group.pools.includes(pool));
    });
    const own = readReportedTrust(new Map(Object.entries(group.trust ?? {})));
    const [whole] =
      majority === undefined || group.outliers.length === 0
        ? []
        : (await ask('GET /v1/policies/:name', { name: majority.digest })).items;
    return {
      title: `Trust ${cut(name, 19)}`,
      main: html`<p>${counted(group.nodes.length, 'node')}: ${nodeLinks(group.nodes)}</p>
${standing(group)}
${
  whole?.trust !== undefined &&
  trustChangesView(
    'What sets the outliers apart from the majority of their pool',
    diffTrust(readReportedTrust(new Map(Object.entries(whole.trust))), own),
  )
}
${trustView(own)}`,
    };
  },
};

const COLUMNS: readonly Column<PolicyItem>[] = [
  {
    header: 'Trust',
    cell: (item) => html`<a href="/trust/${segment(item.digest)}">${digest(item.digest)}</a>`,
  },
  {
    header: 'Nodes',
    cell: ({ nodes }) => html`<strong>${nodes.length}</strong>: ${nodeLinks(nodes)}`,
    sort: ({ nodes }) => nodes.length,
  },
  { header: 'Pools', cell: ({ pools }) => pools.join(', ') },
  { header: 'In its pool', cell: standing },
  {
    header: 'Default asks for',
    cell: ({ policy }) => cut(requirementTexts(fieldOf(policy, 'default')).join('; ') || '–', 200),
  },
  {
    header: 'Scopes',
    isNumber: true,
    cell: ({ policy }) => list(fieldOf(policy, 'scopes')).length,
    sort: ({ policy }) => list(fieldOf(policy, 'scopes')).length,
  },
];

function standing({ outliers, majorityOf }: PolicyItem): Html {
  if (outliers.length > 0) return html`${mark('bad', 'outlier')} ${nodeLinks(outliers)}`;
  if (majorityOf.length > 0) return mark('good', `majority of ${majorityOf.join(', ')}`);
  return mark('warn', 'no majority');
}

/** How the nodes that hold an image judge it, with scope, requirements and signatures. */
async function explained(image: string, { ask }: PageRequest): Promise<Html> {
  const { items } = await ask('GET /v1/images', {
    query: { reference: image, limit: String(SHOWN_USES) },
  });
  return imageTable(
    'How nodes that hold it judge it, refused first',
    items.map((item) => [item]),
    true,
    noneFound('No node that reports holds an image of exactly this name.'),
  );
}
