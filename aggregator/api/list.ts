import { API_VERSION, type Coverage, type List, type OfNode } from '../../shared/api.ts';
import { rfc3339 } from '../../shared/clock.ts';
import type { SectionName } from '../../shared/report.ts';
import { Refusal } from '../identity/credentials.ts';
import type { ApiContext, ApiRequest, Route } from './route.ts';

/** A list with what it speaks for. */
export function list<Kind extends string, Item>(
  kind: Kind,
  items: readonly Item[],
  coverage: Coverage,
  next?: string,
): List<Kind, Item> {
  return {
    apiVersion: API_VERSION,
    kind,
    items,
    coverage,
    ...(next === undefined ? {} : { continue: next }),
  };
}

/** For which nodes an answer about `node`, or about all, speaks. Throws `Refusal` 404 for one nobody knows. */
export function coverageOf(context: ApiContext, node: string | undefined): Coverage {
  if (node === undefined) return context.fleet.coverage();
  if (context.fleet.find(node) === undefined) throw notFound('node', node);
  return context.fleet.coverage(new Set([node]));
}

/** As `coverageOf`, for an answer about a former time: from which nodes something is known of it. */
export async function coverageAt(
  context: ApiContext,
  node: string | undefined,
  section: SectionName,
  asOfMs: number | undefined,
): Promise<Coverage> {
  if (asOfMs === undefined) return coverageOf(context, node);
  const nodes = (await context.store.nodesAsOf(section, asOfMs)).filter(
    ({ name }) => node === undefined || name === node,
  );
  if (node !== undefined && nodes.length === 0) throw notFound('node', node);
  const missing = nodes
    .filter(({ isKnown }) => !isKnown)
    .map(({ name }) => ({ node: name, cause: `nothing is known of it as of ${rfc3339(asOfMs)}` }));
  return { expected: nodes.length, reporting: nodes.length - missing.length, missing };
}

/** Items with the state of their node where it does not report; of a former time they stay as they are. */
export function withNodeState<Item extends OfNode>(
  context: ApiContext,
  items: readonly Item[],
  asOfMs: number | undefined,
): readonly Item[] {
  if (asOfMs !== undefined) return items;
  const absent = context.fleet.absent();
  return items.map((item) => {
    const nodeState = absent.get(item.node);
    return nodeState === undefined ? item : { ...item, nodeState };
  });
}

export function notFound(what: string, name: string): Refusal {
  return new Refusal(404, 'notFound', `${what} ${JSON.stringify(name.slice(0, 256))}: not known`);
}

/** A route that answers with a list, which a name in the path narrows. */
export interface ListRoute extends Route {
  handle(request: ApiRequest, context: ApiContext): Promise<List<string, unknown>>;
}

/** The route, and the same for one name: 404 when nothing has it. */
export function alsoByName(route: ListRoute, what: string): readonly Route[] {
  return [
    route,
    {
      ...route,
      path: `${route.path}/:name`,
      async handle(request, context) {
        const answer = await route.handle(request, context);
        if (answer.items.length === 0) throw notFound(what, request.name);
        return answer;
      },
    },
  ];
}
