import { API_VERSION } from '../../shared/api.ts';
import type { Json } from '../../shared/canonical.ts';

/** Parts of JSON Schema 2020-12, which OpenAPI 3.1 speaks. Members that are not named may be added later. */

export const TEXT: Json = { type: 'string' };
export const TIME: Json = { type: 'string', format: 'date-time' };
export const WHOLE: Json = { type: 'integer' };
export const NUMBER: Json = { type: 'number' };
export const TRUTH: Json = { type: 'boolean' };
export const ANY: Json = {};

type Members = Readonly<Record<string, Json>>;

export function object(required: Members, optional: Members = {}): Json {
  const names = Object.keys(required);
  return {
    type: 'object',
    ...(names.length === 0 ? {} : { required: names }),
    properties: { ...required, ...optional },
  };
}

export function listOf(items: Json): Json {
  return { type: 'array', items };
}

/** An object of which only the members' shape is known. */
export function map(member: Json): Json {
  return { type: 'object', additionalProperties: member };
}

export function nullable(schema: Json): Json {
  return { anyOf: [schema, { type: 'null' }] };
}

export function oneOf(words: readonly string[]): Json {
  return { type: 'string', enum: words };
}

/** How many of each. */
export function counts(words: readonly string[]): Json {
  return object(Object.fromEntries(words.map((word) => [word, WHOLE])));
}

export function ref(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}

/** An answer that is one object. */
export function answer(kind: string, required: Members, optional: Members = {}): Json {
  return object(
    { apiVersion: { const: API_VERSION }, kind: { const: kind }, ...required },
    optional,
  );
}

/** A list of items of one schema. */
export function list(kind: string, item: string): Json {
  return answer(kind, { items: listOf(ref(item)) }, { coverage: ref('Coverage'), continue: TEXT });
}
