import type { Coverage, ImageItem } from '../shared/api.ts';
import { parseDigest } from '../shared/trust/digest.ts';
import { referenceText, tryParseReference, withDefaultTag } from '../shared/trust/reference.ts';
import type { Client } from './client.ts';
import { EVERYTHING, fetchChosen } from './fleet-list.ts';
import { IMAGES } from './resources/images.ts';
import type { Condition } from './selector.ts';

export interface FoundImages {
  readonly items: readonly ImageItem[];
  readonly coverage: Coverage | undefined;
}

const ID_PREFIX = /^[0-9a-f]{12,64}$/;

/**
 * The verdicts on an image over all nodes, or on one: by name (completed as usual when no node has it as it stands), by
 * name and digest, digest, or image id of 12 digits of hex or more. The same references as `verify` takes of one node.
 */
export async function findImages(
  client: Client,
  word: string,
  node: string | undefined,
): Promise<FoundImages> {
  const ofNode = node === undefined ? [] : [equal('node', node)];
  if (ID_PREFIX.test(word)) {
    const byPrefix = {
      ...IMAGES,
      namesOf: ({ imageId }: ImageItem) => [imageId.slice(0, word.length)],
    };
    const choice = { ...EVERYTHING, names: [word], fields: ofNode };
    return toFound(await fetchChosen(client, byPrefix, choice, undefined));
  }
  const ask = async (...fields: readonly Condition[]): Promise<FoundImages> =>
    toFound(
      await fetchChosen(
        client,
        IMAGES,
        { ...EVERYTHING, fields: [...ofNode, ...fields] },
        undefined,
      ),
    );
  if (parseDigest(word) !== undefined) return await ask(equal('digest', word));
  const exact = await ask(equal('reference', word));
  if (exact.items.length > 0) return exact;
  const reference = tryParseReference(word);
  if (reference === undefined) return exact;
  const completed = await ask(equal('reference', referenceText(withDefaultTag(reference))));
  if (completed.items.length > 0 || reference.digest === undefined) return completed;
  const { items, coverage } = await ask(equal('digest', reference.digest));
  const isOfRepository = (item: ImageItem): boolean =>
    tryParseReference(item.reference)?.name === reference.name;
  return { items: items.filter(isOfRepository), coverage };
}

function toFound({ items, coverage }: Partial<FoundImages>): FoundImages {
  return { items: items ?? [], coverage };
}

function equal(field: string, value: string): Condition {
  return { field, values: [value], negated: false };
}
