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

/**
 * The sources of these ids, in this order. Named beside `registry` a lookaside is read as a pull reads it, as a part
 * of what the registry gives.
 */
export function openSources(
  ids: readonly SourceId[],
  options: SourceOptions,
): readonly SignatureSource[] {
  const isPull = ids.includes('registry');
  return ids
    .filter((id) => !(isPull && id === 'lookaside'))
    .map((id) => SOURCES[id]({ ...options, readsLookasideServers: ids.includes('lookaside') }));
}
