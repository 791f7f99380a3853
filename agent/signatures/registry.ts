import type { SignatureQuery, SignatureSource, SourceOptions } from './source.ts';

/**
 * What a pull of the image from its registry would find now: the API extension or the lookaside, and sigstore
 * attachments. What it takes to ask is loaded with the first image. Throws `SourceError` and `HostError`.
 */
export function registrySource(options: SourceOptions): SignatureSource {
  let opened: Promise<SignatureSource['signatures']> | undefined;
  const open = async (): Promise<SignatureSource['signatures']> => {
    const { openPull } = await import('./pull.ts');
    return openPull(options);
  };
  return {
    id: 'registry',
    async *signatures(query: SignatureQuery, signal: AbortSignal): AsyncIterable<Uint8Array> {
      opened ??= open();
      const signatures = await opened;
      yield* signatures(query, signal);
    },
  };
}
