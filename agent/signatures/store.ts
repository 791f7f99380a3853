import { readSignatures } from '../images/store.ts';
import type { SignatureQuery, SignatureSource, SourceOptions } from './source.ts';

/** The signatures that were stored with the image at its last pull. Throws `StoreError` where they are damaged. */
export function storeSource({ host, store }: SourceOptions): SignatureSource {
  const images = new Map(store.images.map((image) => [image.id, image]));
  return {
    id: 'store',
    async *signatures({ imageId, instance }: SignatureQuery): AsyncIterable<Uint8Array> {
      const image = images.get(imageId);
      if (image !== undefined) yield* await readSignatures(host, store, image, instance);
    },
  };
}
