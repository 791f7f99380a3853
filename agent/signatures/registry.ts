import { type SignatureSource, SourceError } from './source.ts';

/** The registry's own signatures are not asked for by this version: whoever needs them gets no verdict. */
export function registrySource(): SignatureSource {
  return {
    id: 'registry',
    // biome-ignore lint/correctness/useYield: there is nothing to give before the error
    async *signatures(): AsyncIterable<Uint8Array> {
      const message = 'signatures in registries are not fetched by this version';
      throw new SourceError('ERR_SOURCE_NOT_ENABLED', message);
    },
  };
}
