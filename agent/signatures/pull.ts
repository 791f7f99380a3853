import { readAttachments } from './attachments.ts';
import { collect } from './collect.ts';
import { readExtension } from './extension.ts';
import { unexpectedStatus } from './http.ts';
import { lookasideReaders, readLookaside } from './lookaside.ts';
import { type Place, placesOf } from './places.ts';
import { RegistryClient } from './registry-client.ts';
import type { SignatureQuery, SignatureSource, SourceOptions } from './source.ts';
import { SourceError } from './source-error.ts';

/** The registry an image would be pulled from now. */
interface Origin {
  readonly place: Place;
  readonly registry: RegistryClient;
}

/**
 * All signatures that a pull of the image would find: of the first place in the order of registries.conf that answers
 * and has the manifest, what the API extension gives or else its lookaside, then its sigstore attachments. Throws
 * `SourceError` and `HostError`.
 */
export function openPull(options: SourceOptions): SignatureSource['signatures'] {
  const { host, trust, network } = options;
  const clients = new Map<string, Promise<RegistryClient>>();
  const open = async (place: Place, signal: AbortSignal): Promise<RegistryClient> => {
    if (network === undefined) {
      throw new SourceError('ERR_SOURCE_NOT_ENABLED', 'registries are not asked without a network');
    }
    const key = `${place.reference.name} ${place.insecure}`;
    const client = clients.get(key) ?? RegistryClient.open(network, host, place, signal);
    clients.set(key, client);
    return await client;
  };
  return async function* signatures(query: SignatureQuery, signal: AbortSignal) {
    const { reference, manifestDigest } = query;
    if (reference === undefined) return;
    const { place, registry } = await findOrigin(
      placesOf(trust, reference),
      manifestDigest,
      open,
      signal,
    );
    const { lookaside, reference: physical, useSigstoreAttachments } = place;
    const found: Uint8Array[] = [];
    let gap: SourceError | undefined;
    if (registry.supportsSignatures) {
      found.push(...(await collect(readExtension(registry, physical, manifestDigest, signal))));
    } else {
      try {
        const readers = lookasideReaders(options, place);
        const signatures = readLookaside(lookaside, physical, manifestDigest, readers, signal);
        found.push(...(await collect(signatures)));
      } catch (error) {
        if (!(error instanceof SourceError) || error.code !== 'ERR_SOURCE_NOT_ENABLED') throw error;
        gap = error;
      }
    }
    if (useSigstoreAttachments) {
      found.push(...(await collect(readAttachments(registry, physical, manifestDigest, signal))));
    }
    yield* found;
    if (gap !== undefined) throw gap;
  };
}

/** A mirror that fails for whatever reason is passed over; the last place's failure is told. */
async function findOrigin(
  places: readonly Place[],
  manifestDigest: string,
  open: (place: Place, signal: AbortSignal) => Promise<RegistryClient>,
  signal: AbortSignal,
): Promise<Origin> {
  let failure = new SourceError('ERR_SOURCE_NOT_ENABLED', 'registries.conf blocks every registry');
  for (const place of places) {
    try {
      const registry = await open(place, signal);
      const path = `/v2/${place.reference.path}/manifests/${manifestDigest}`;
      const request = { method: 'HEAD', path, isManifest: true, limitBytes: 0 } as const;
      const answer = await registry.request(request, signal);
      if (answer.status === 200) return { place, registry };
      throw unexpectedStatus(answer.url, answer);
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      failure = error;
    }
  }
  throw failure;
}
