import * as v from 'valibot';
import { NAME } from '../identity/token-file.ts';
import { toJson } from '../outgoing.ts';
import type { ExpectedNode } from './expected.ts';

/** What we read of a Node of the Kubernetes API (core/v1); the rest of it is not ours. */
const nodeSchema = v.object({
  metadata: v.object({
    name: v.pipe(v.string(), v.regex(NAME)),
    uid: v.pipe(v.string(), v.regex(NAME)),
    resourceVersion: v.optional(v.string()),
  }),
  spec: v.optional(v.object({ unschedulable: v.optional(v.boolean()) })),
  status: v.optional(
    v.object({
      conditions: v.optional(v.array(v.object({ type: v.string(), status: v.string() }))),
    }),
  ),
});

const listSchema = v.object({
  metadata: v.object({
    resourceVersion: v.pipe(v.string(), v.minLength(1)),
    continue: v.optional(v.string()),
  }),
  items: v.array(v.unknown()),
});

const eventSchema = v.object({ type: v.string(), object: v.unknown() });
const bookmarkSchema = v.object({
  metadata: v.object({ resourceVersion: v.pipe(v.string(), v.minLength(1)) }),
});
const statusSchema = v.object({ code: v.optional(v.number()), message: v.optional(v.string()) });

export interface NodePage {
  readonly resourceVersion: string;
  /** Undefined on the last page. */
  readonly next: string | undefined;
  readonly nodes: readonly ExpectedNode[];
}

/** One page of `GET /api/v1/nodes`. Throws when it is none. */
export function readNodePage(value: unknown, pool: string): NodePage {
  const { metadata, items } = parse(listSchema, value, 'a NodeList');
  return {
    resourceVersion: metadata.resourceVersion,
    next: metadata.continue === '' ? undefined : metadata.continue,
    nodes: items.map((item) => toExpected(parse(nodeSchema, item, 'a Node'), pool)),
  };
}

/** What a line of a watch says. */
export type NodeChange =
  | { readonly kind: 'set'; readonly node: ExpectedNode; readonly resourceVersion?: string }
  | { readonly kind: 'removed'; readonly node: ExpectedNode; readonly resourceVersion?: string }
  | { readonly kind: 'bookmark'; readonly resourceVersion: string }
  /** The server ends the watch; `code` 410: from here nothing can be watched, list again. */
  | { readonly kind: 'ended'; readonly code: number; readonly message: string };

/** One line of `GET /api/v1/nodes?watch=1`. Throws when it is none. */
export function readNodeChange(line: string, pool: string): NodeChange {
  const { type, object } = parse(eventSchema, toJson(line), 'a watch event');
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED': {
      const found = parse(nodeSchema, object, 'a Node');
      const { resourceVersion } = found.metadata;
      return {
        kind: type === 'DELETED' ? 'removed' : 'set',
        node: toExpected(found, pool),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      };
    }
    case 'BOOKMARK': {
      const { metadata } = parse(bookmarkSchema, object, 'a bookmark');
      return { kind: 'bookmark', resourceVersion: metadata.resourceVersion };
    }
    case 'ERROR': {
      const { code = 500, message = 'no message' } = parse(statusSchema, object, 'a Status');
      return { kind: 'ended', code, message };
    }
    default:
      throw new Error(`expected a watch event, found type ${JSON.stringify(type.slice(0, 64))}`);
  }
}

function toExpected(node: v.InferOutput<typeof nodeSchema>, pool: string): ExpectedNode {
  const { name, uid } = node.metadata;
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  const conditions = [
    ...(ready?.status === 'True' ? [] : ['node not ready']),
    ...(node.spec?.unschedulable === true ? ['cordoned'] : []),
  ];
  return { name, uid, pool, ...(conditions.length === 0 ? {} : { conditions }) };
}

function parse<T>(schema: v.GenericSchema<unknown, T>, value: unknown, what: string): T {
  const parsed = v.safeParse(schema, value, { abortEarly: true });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new Error(`expected ${what}: ${v.getDotPath(issue) ?? 'it'}: ${issue.message}`);
}
