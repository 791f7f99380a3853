import type { Coverage, ImageItem, NodeState } from '../../shared/api.ts';
import { rfc3339 } from '../../shared/clock.ts';
import type { ExportSource, NodeReport } from '../../shared/exports/source.ts';
import { absenceStatement, type Statement, toStatements } from '../../shared/exports/statement.ts';
import { safeText } from '../../shared/safe-text.ts';
import { VERSION } from '../../shared/version.ts';
import { coverageAt, coverageOf, notFound } from '../api/list.ts';
import type { ApiContext } from '../api/route.ts';
import { toFindingItem, toImageItem } from '../section-items.ts';
import type { StoredSection } from '../store/store.ts';

/** Which nodes an export is about, and as of when. */
export interface ExportChoice {
  readonly nodes?: readonly string[] | undefined;
  readonly pools?: readonly string[] | undefined;
  /** Of now only. */
  readonly states?: readonly NodeState[] | undefined;
  readonly asOfMs?: number | undefined;
  readonly link: string;
}

/** A node as it was when the export began: what happens meanwhile to the fleet changes nothing of who is in it. */
interface ExportedNode {
  readonly uid: string;
  readonly name: string;
  readonly pool: string;
  readonly state?: NodeState;
  readonly lastSeen: string | null;
  readonly agentVersion: string | null;
}

/**
 * The chosen nodes with what they say; their sections are read one after the other, while the export is written.
 * Throws `Refusal` 404 for a node by a name that nobody knows.
 */
export async function openExport(
  context: ApiContext,
  section: 'checks' | 'images',
  choice: ExportChoice,
): Promise<ExportSource> {
  const { asOfMs } = choice;
  const nodes = await chosenNodes(context, choice);
  const all =
    asOfMs === undefined
      ? coverageOf(context, undefined)
      : await coverageAt(context, undefined, section, asOfMs);
  const coverage = restrict(all, nodes, choice);
  const causes = new Map(coverage.missing.map(({ node, cause }) => [node, cause]));
  const read = async (uid: string): Promise<StoredSection | undefined> =>
    await context.store.section(uid, section, asOfMs);
  return {
    generatedAt: rfc3339(context.clock.nowMs()),
    ...(asOfMs === undefined ? {} : { asOf: rfc3339(asOfMs) }),
    version: VERSION,
    link: choice.link,
    coverage: {
      ...coverage,
      missing: coverage.missing.map(({ node, cause }) => {
        return { node: safeText(node), cause: safeText(cause) };
      }),
    },
    async *findings() {
      for (const node of nodes) yield ofFindings(node, await read(node.uid), causes.get(node.name));
    },
    async *images() {
      for (const node of nodes) yield ofImages(node, await read(node.uid), causes.get(node.name));
    },
  };
}

async function chosenNodes(
  context: ApiContext,
  { nodes, pools, states, asOfMs }: ExportChoice,
): Promise<readonly ExportedNode[]> {
  const all = asOfMs === undefined ? nodesNow(context) : await nodesThen(context, asOfMs);
  const unknown = nodes?.find((name) => all.every((node) => node.name !== name));
  if (unknown !== undefined) throw notFound('node', unknown);
  return all
    .filter(({ name }) => nodes?.includes(name) ?? true)
    .filter(({ pool }) => pools?.includes(pool) ?? true)
    .filter(({ state }) => states === undefined || (state !== undefined && states.includes(state)))
    .sort((a, b) => compare(a.name, b.name) || compare(a.uid, b.uid));
}

function nodesNow({ fleet }: ApiContext): readonly ExportedNode[] {
  return fleet
    .items()
    .filter(({ state }) => state !== 'retired')
    .map(({ uid, name, pool, state, lastSeen, agentVersion }) => {
      return { uid, name, pool, state, lastSeen, agentVersion };
    });
}

async function nodesThen({ store }: ApiContext, asOfMs: number): Promise<readonly ExportedNode[]> {
  return (await store.nodes())
    .filter(({ firstSeenMs, retiredAtMs }) => {
      return firstSeenMs <= asOfMs && (retiredAtMs === null || retiredAtMs > asOfMs);
    })
    .map(({ uid, name, pool }) => ({ uid, name, pool, lastSeen: null, agentVersion: null }));
}

/** The coverage of the chosen nodes; of the whole fleet when all are. */
function restrict(
  coverage: Coverage,
  nodes: readonly ExportedNode[],
  { nodes: names, pools, states }: ExportChoice,
): Coverage {
  if (names === undefined && pools === undefined && states === undefined) return coverage;
  const chosen = new Set(nodes.map(({ name }) => name));
  const missing = coverage.missing.filter(({ node }) => chosen.has(node));
  const [expected, reporting] = [chosen.size, chosen.size - missing.length];
  return { ...coverage, expected, reporting, missing };
}

function ofFindings(
  node: ExportedNode,
  section: StoredSection | undefined,
  cause: string | undefined,
): NodeReport<Statement> {
  const found = [...(section?.items ?? [])];
  const items = found.map(([key, item]) => toFindingItem(node.name, key, item));
  const absence = cause === undefined ? [] : [absenceStatement(node, cause)];
  return report(node, section, cause, [...absence, ...toStatements(node, items)]);
}

function ofImages(
  node: ExportedNode,
  section: StoredSection | undefined,
  cause: string | undefined,
): NodeReport<ImageItem> {
  const found = [...(section?.items ?? [])];
  const items = found.map(([key, item]) => toImageItem(node.name, key, item));
  return report(node, section, cause, items);
}

function report<Item>(
  { name, pool, state, lastSeen, agentVersion }: ExportedNode,
  section: StoredSection | undefined,
  cause: string | undefined,
  items: readonly Item[],
): NodeReport<Item> {
  return {
    name: safeText(name),
    pool: safeText(pool),
    ...(state === undefined ? {} : { state }),
    lastSeen,
    agentVersion: agentVersion === null ? null : safeText(agentVersion),
    dataAsOf: section === undefined ? null : rfc3339(section.asOfMs),
    ...(cause === undefined ? {} : { cause: safeText(cause) }),
    items,
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
