import type { NodeDetail } from '../../../shared/api.ts';
import type { Html } from '../html.ts';
import { imageTable } from '../image-table.ts';
import { noData, noneFound } from '../table.ts';

export function imagesTab({ images, node }: NodeDetail): Html {
  const empty =
    node.lastSeen === null
      ? noData('The node has not reported its images.')
      : noneFound('The node has told of no image.');
  return imageTable(
    'Images on the node, refused first',
    images.map((image) => [image]),
    false,
    empty,
  );
}
