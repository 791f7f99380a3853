import { lookasideSource } from './lookaside.ts';
import { registrySource } from './registry.ts';
import type { SignatureSource, SourceId, SourceOptions } from './source.ts';
import { storeSource } from './store.ts';

/** Every source there is. */
const SOURCES: Readonly<Record<SourceId, (options: SourceOptions) => SignatureSource>> = {
  store: storeSource,
  lookaside: lookasideSource,
  registry: registrySource,
};

/** The sources of these ids, in this order. */
export function openSources(
  ids: readonly SourceId[],
  options: SourceOptions,
): readonly SignatureSource[] {
  return ids.map((id) => SOURCES[id](options));
}
