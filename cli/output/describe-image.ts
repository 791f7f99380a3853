import type { Coverage, ImageItem } from '../../shared/api.ts';
import { VERDICTS } from '../../shared/images.ts';
import { safeText } from '../../shared/safe-text.ts';
import { coverageText } from '../coverage.ts';
import type { Style } from './colour.ts';
import { blockText, type Fact, factsText } from './facts.ts';
import { explainImage } from './image.ts';
import { namesText } from './names.ts';

/** An image with what each group of nodes makes of it, and who uses it there. */
export function imageText(
  items: readonly ImageItem[],
  coverage: Coverage | undefined,
  style: Style,
): string {
  const distinct = (read: (item: ImageItem) => string): readonly string[] =>
    [...new Set(items.map(read))].filter(Boolean).sort();
  const counts = VERDICTS.map((verdict) => {
    const nodes = new Set(items.filter((item) => item.verdict === verdict).map(({ node }) => node));
    return [verdict, nodes.size] as const;
  }).filter(([, count]) => count > 0);
  const digests = distinct(({ digest }) => digest);
  const facts: Fact[] = [
    ['Image', distinct(({ reference }) => reference).join(', ')],
    ['Digest', digests.join(', ')],
    ...(digests.length > 1
      ? [['Note', 'nodes hold different images under this name'] as const]
      : []),
    ['Nodes', counts.map(([verdict, count]) => `${count} ${verdict}`).join(', ')],
    ['Used by', usersText(items)],
    ...(coverage === undefined ? [] : [['Coverage', coverageText(coverage)] as const]),
  ];
  const groups = Map.groupBy(items, ({ reference, digest, verdict, reason, policy, namespace }) =>
    JSON.stringify([reference, digest, verdict, reason, policy, namespace]),
  );
  const blocks = [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const nodes = group.map(({ node, nodeState }) => (nodeState ? `${node} (${nodeState})` : node));
    const [head = '', ...lines] = explainImage({ ...first, pods: [] }, style);
    return [`${[head, `  on         ${safeText(namesText(nodes))}`, ...lines].join('\n')}\n`];
  });
  const [first] = items;
  const next = first === undefined ? '' : `nodeseal trust explain ${safeText(first.reference)}`;
  return [
    factsText(facts, style),
    blockText('Verdicts', blocks.join('')),
    factsText([['Next', next]], style),
  ].join('\n');
}

function usersText(items: readonly ImageItem[]): string {
  const users = items.flatMap(({ node, pods }) =>
    pods.map(({ namespace, pod, container }) => {
      return `${[namespace, pod, container].filter(Boolean).join('/')} on ${node}`;
    }),
  );
  return users.length === 0 ? 'no container' : namesText([...new Set(users)].sort(), 8);
}
