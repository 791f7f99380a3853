import { readSignatures } from '../images/store.ts';
import type { SignatureQuery, SignatureSource, SourceOptions } from './source.ts';

/** The signatures that were stored with the image at its last pull. Throws `StoreError` where they are damaged. */
export function storeSource({ host, store }: SourceOptions): SignatureSource {
  return {
    id: 'store',
    async *signatures({ image, instance }: SignatureQuery): AsyncIterable<Uint8Array> {
      yield* await readSignatures(host, store, image, instance);
    },
  };
}
