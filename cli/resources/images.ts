import type { ImageItem } from '../../shared/api.ts';
import { readImage } from '../answers.ts';
import { byVerdict, IMAGE_COLUMNS } from '../output/image.ts';
import { NODE_COLUMN } from '../output/of-node.ts';
import type { Resource } from '../resource.ts';

/** Verdicts of images on nodes. */
export const IMAGES: Resource<ImageItem> = {
  type: 'images',
  kind: 'ImageVerdictList',
  read: readImage,
  namesOf: ({ reference, imageId, digest }) => [reference, imageId, digest],
  nodesOf: ({ node }) => [node],
  keyOf: ({ node, imageId, reference, namespace = '', policy }) =>
    `${node} ${imageId} ${reference} ${namespace} ${policy}`,
  fields: [
    'node',
    'reference',
    'imageId',
    'digest',
    'policy',
    'namespace',
    'verdict',
    'reason',
    'source',
    'scope',
  ],
  parameters: { node: 'node', reference: 'reference', verdict: 'verdict' },
  isWatched: true,
  isPaged: true,
  compare: byVerdict,
  presentation: () => ({
    resource: 'image',
    columns: [...IMAGE_COLUMNS.slice(0, 1), NODE_COLUMN, ...IMAGE_COLUMNS.slice(1)],
    nameOf: ({ node, reference }) => `${node}/${reference}`,
  }),
};
