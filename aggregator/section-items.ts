import * as v from 'valibot';
import { type DriftItem, FILE_CLASSES, type FindingItem, type ImageItem } from '../shared/api.ts';
import type { Json } from '../shared/canonical.ts';
import { VERDICTS } from '../shared/images.ts';
import { RESULTS, SEVERITIES } from '../shared/results.ts';

/*
 * Items of sections as the API shows them. What a node sent need not be what it should be; an item that is not
 * becomes one that says so, so that callers may rely on the shape and nothing disappears or turns green.
 */

const evidence = v.record(v.string(), v.union([v.string(), v.number(), v.boolean(), v.null()]));
const findingSchema = v.looseObject({
  ruleId: v.string(),
  checkId: v.string(),
  title: v.string(),
  subject: v.optional(v.string()),
  result: v.picklist(RESULTS),
  severity: v.picklist(SEVERITIES),
  reason: v.optional(v.string()),
  message: v.string(),
  observed: evidence,
  expected: v.optional(evidence),
  override: v.optional(
    v.looseObject({
      oldResult: v.literal('fail'),
      authority: v.string(),
      remark: v.string(),
      until: v.string(),
    }),
  ),
  remediation: v.looseObject({ kind: v.string(), text: v.string() }),
  mappings: v.array(v.looseObject({ framework: v.string(), id: v.string(), basis: v.string() })),
});
const imageSchema = v.looseObject({
  imageId: v.string(),
  reference: v.string(),
  digest: v.string(),
  policy: v.optional(v.string()),
  namespace: v.optional(v.string()),
  verdict: v.picklist(VERDICTS),
  reason: v.optional(v.string()),
  message: v.optional(v.string()),
  signedBy: v.array(v.string()),
  scope: v.string(),
  requirements: v.array(v.looseObject({ type: v.string() })),
  signatures: v.array(v.unknown()),
  source: v.string(),
  pods: v.array(
    v.looseObject({
      namespace: v.optional(v.string()),
      pod: v.optional(v.string()),
      container: v.string(),
    }),
  ),
  release: v.optional(
    v.looseObject({
      version: v.string(),
      image: v.string(),
      signedBy: v.array(v.string()),
      source: v.picklist(['node', 'file']),
    }),
  ),
});

const digest = v.nullable(v.string());
const fileSchema = v.object({
  path: v.string(),
  class: v.picklist(FILE_CLASSES),
  reason: v.exactOptional(v.string()),
  sha256: digest,
  mode: v.nullable(v.number()),
  uid: v.exactOptional(v.nullable(v.number())),
  gid: v.exactOptional(v.nullable(v.number())),
  expectedSha256: v.exactOptional(v.string()),
  expectedMode: v.exactOptional(v.number()),
  expectedUid: v.exactOptional(v.number()),
  expectedGid: v.exactOptional(v.number()),
  manager: v.exactOptional(v.string()),
});

/** An item of the section `checks`. */
export function toFindingItem(node: string, key: string, item: Json): FindingItem {
  const parsed = v.safeParse(findingSchema, item);
  // The schema asks for every member of FindingItem that callers may rely on.
  if (parsed.success) return { ...(item as unknown as FindingItem), node };
  const [ruleId = key, ...subject] = key.split(' ');
  return {
    node,
    ruleId,
    checkId: ruleId.split('.')[0] ?? ruleId,
    title: ruleId,
    ...(subject.length === 0 ? {} : { subject: subject.join(' ') }),
    result: 'error',
    severity: 'high',
    reason: 'malformed-report',
    message: `the node's report of this rule cannot be read: ${placeOf(parsed.issues)}`,
    observed: {},
    remediation: { kind: 'none', text: 'Update the agent of this node.' },
    mappings: [],
  };
}

/** An item of the section `images`. */
export function toImageItem(node: string, key: string, item: Json): ImageItem {
  const parsed = v.safeParse(imageSchema, item);
  // As above, for ImageItem.
  // Agents that knew of one policy only did not name it.
  if (parsed.success)
    return { policy: '', ...(item as unknown as Partial<ImageItem>), node } as ImageItem;
  return {
    node,
    imageId: '',
    reference: key,
    digest: '',
    policy: '',
    verdict: 'unknown',
    reason: 'malformed-report',
    message: `the node's report of this image cannot be read: ${placeOf(parsed.issues)}`,
    signedBy: [],
    scope: '',
    requirements: [],
    signatures: [],
    source: 'none',
    pods: [],
  };
}

/** An item of the section `files`. */
export function toDriftItem(node: string, key: string, item: Json): DriftItem {
  const parsed = v.safeParse(fileSchema, item);
  if (parsed.success) return { node, ...parsed.output };
  const reason = 'malformed-report';
  return { node, path: key, class: 'unknown', reason, sha256: null, mode: null };
}

function placeOf(issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): string {
  const [issue] = issues;
  return `${v.getDotPath(issue) ?? 'item'}: expected ${issue.expected ?? 'another value'}`;
}
