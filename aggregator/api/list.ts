import { API_VERSION, type Coverage, type List } from '../../shared/api.ts';
import { Refusal } from '../identity/credentials.ts';
import type { ApiContext } from './route.ts';

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

export function notFound(what: string, name: string): Refusal {
  return new Refusal(404, 'notFound', `${what} ${JSON.stringify(name.slice(0, 256))}: not known`);
}
