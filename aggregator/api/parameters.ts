import { NODE_STATES } from '../../shared/api.ts';
import type { Json } from '../../shared/canonical.ts';
import { VERDICTS } from '../../shared/images.ts';
import { RESULTS, SEVERITIES } from '../../shared/results.ts';
import { IMAGE_CHANGES } from '../../shared/simulation.ts';
import { oneOf, TEXT } from './schema.ts';

interface Parameter {
  readonly description: string;
  readonly schema: Json;
}

const several = (words: readonly string[]): Json => ({ type: 'array', items: oneOf(words) });
const TIME: Json = {
  type: 'string',
  description: 'RFC 3339, or how long ago: 90s, 15m, 24h, 7d',
};

/** Query parameters: one name means the same on every route. Several words are separated by commas. */
const PARAMETERS: Readonly<Record<string, Parameter>> = {
  limit: {
    description: 'Most items of a page; more than 5,000 counts as 5,000',
    schema: { type: 'integer', minimum: 1, default: 500 },
  },
  continue: { description: 'The member `continue` of the page before', schema: TEXT },
  node: { description: 'Only of the node of this name', schema: TEXT },
  pool: { description: 'Only nodes of this pool', schema: TEXT },
  state: { description: 'Only nodes in one of these states', schema: several(NODE_STATES) },
  result: { description: 'Only with one of these results', schema: several(RESULTS) },
  severity: { description: 'Only of one of these severities', schema: several(SEVERITIES) },
  rule: { description: 'Only of this rule', schema: TEXT },
  reference: { description: 'Only images of this name', schema: TEXT },
  verdict: { description: 'Only with one of these verdicts', schema: several(VERDICTS) },
  kind: { description: 'Only events of this kind', schema: TEXT },
  class: { description: 'Only of this class', schema: TEXT },
  path: { description: 'Only the file of this path', schema: TEXT },
  since: { description: 'Only what happened from then on', schema: TIME },
  asOf: { description: 'As it was then', schema: TIME },
  change: { description: 'Only images that change so', schema: several(IMAGE_CHANGES) },
  link: { description: 'Address of the page that findings link to', schema: TEXT },
  topic: {
    description: 'Only changes of these; default all',
    schema: several(['nodes', 'findings', 'images', 'events']),
  },
};

/** A query parameter as OpenAPI has it. */
export function queryParameter(name: string): Json {
  const { description = '', schema = TEXT } = PARAMETERS[name] ?? {};
  const isList = typeof schema === 'object' && schema !== null && 'items' in schema;
  return {
    name,
    in: 'query',
    description,
    schema,
    ...(isList ? { style: 'form', explode: false } : {}),
  };
}
