import { safeText } from '../../shared/safe-text.ts';
import type { Presentation } from './column.ts';

/** `node/worker-1`, one a line: what `nodeseal get` and `describe` take back. */
export function nameLines<Item>(
  items: readonly Item[],
  presentation: Pick<Presentation<Item>, 'resource' | 'nameOf'>,
): string {
  return items
    .map((item) => `${presentation.resource}/${safeText(presentation.nameOf(item))}\n`)
    .join('');
}
