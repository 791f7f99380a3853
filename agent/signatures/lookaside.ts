import { parseUrl } from '../../shared/trust/go-url.ts';
import type { Reference } from '../../shared/trust/reference.ts';
import { signatureUrl } from '../../shared/trust/registries-d.ts';
import type { Host } from '../host.ts';
import type { NodeTrust } from '../trust.ts';
import { shownAddress } from './address.ts';
import { collect } from './collect.ts';
import { unexpectedStatus } from './http.ts';
import type { Network } from './network.ts';
import { type Place, pastPlacesOf } from './places.ts';
import {
  SIGNATURE_LIMITS,
  type SignatureQuery,
  type SignatureSource,
  type SourceOptions,
} from './source.ts';
import { SourceError } from './source-error.ts';

/** Reads one file of a lookaside; undefined when it does not exist, which ends the reading. */
export type LookasideReader = (
  address: string,
  signal: AbortSignal,
) => Promise<Uint8Array | undefined>;

/** How each scheme of lookaside addresses is read; a scheme that is known and has no reader was not enabled. */
export type LookasideReaders = Readonly<
  Partial<Record<'file' | 'http' | 'https', LookasideReader>>
>;

/**
 * Signatures in the lookasides that registries.d names for the image: `signature-1`, `signature-2`, … until one is
 * missing. registries.d knows an image by the name of the place it is fetched from; which of its mirrors that was is
 * recorded nowhere, so all are asked in their order. Throws `SourceError` and `HostError`.
 */
export function lookasideSource(options: SourceOptions): SignatureSource {
  return {
    id: 'lookaside',
    async *signatures(query: SignatureQuery, signal: AbortSignal): AsyncIterable<Uint8Array> {
      // A nameless image has no repository whose lookaside could be asked.
      if (query.reference === undefined) return;
      let gap: SourceError | undefined;
      for (const place of distinctLookasides(options.trust, query.reference)) {
        try {
          const readers = lookasideReaders(options, place, query);
          const { lookaside, reference } = place;
          const { manifestDigest } = query;
          yield* await collect(
            readLookaside(lookaside, reference, manifestDigest, readers, signal),
          );
        } catch (error) {
          if (!(error instanceof SourceError) || !isGap(error)) throw error;
          gap ??= error;
        }
        if (place.useSigstoreAttachments && query.wantsSigstore) {
          const message =
            'sigstore attachments in the registry: the source "registry" was not named';
          gap ??= new SourceError('ERR_SOURCE_NOT_ENABLED', message);
        }
      }
      if (gap !== undefined) throw gap;
    },
  };
}

/** What another place may make up for. */
function isGap({ code }: SourceError): boolean {
  return (
    code === 'ERR_SOURCE_NOT_ENABLED' ||
    code === 'ERR_SOURCE_UNREACHABLE' ||
    code === 'ERR_SOURCE_STATUS'
  );
}

function distinctLookasides(trust: NodeTrust, reference: Reference): readonly Place[] {
  const lookasides = new Map<string, Place>();
  for (const place of pastPlacesOf(trust, reference)) {
    const { lookaside, useSigstoreAttachments, reference: physical } = place;
    // A server is spoken to with the certificates of the registry, a file is the same for all.
    const registry = isServer(lookaside) ? physical.domain : '';
    const key = `${registry} ${lookaside} ${physical.path}`;
    const known = lookasides.get(key)?.useSigstoreAttachments === true;
    lookasides.set(key, {
      ...place,
      useSigstoreAttachments: known || useSigstoreAttachments,
    });
  }
  return [...lookasides.values()];
}

function isServer(base: string): boolean {
  const { scheme } = parseUrl(base);
  return scheme === 'http' || scheme === 'https';
}

/** The signatures at one lookaside address, in order. Throws `SourceError`, or what a reader throws. */
export async function* readLookaside(
  base: string,
  reference: Reference,
  manifestDigest: string,
  readers: LookasideReaders,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const read = readerFor(base, readers);
  for (let index = 0; index < SIGNATURE_LIMITS.count; index++) {
    signal.throwIfAborted();
    const address = signatureUrl(base, reference, manifestDigest, index);
    const signature = address === undefined ? undefined : await read(address, signal);
    if (signature === undefined) return;
    yield signature;
  }
  throw new SourceError(
    'ERR_SOURCE_REFUSED',
    `lookaside ${shownAddress(base)}: expected less than ${SIGNATURE_LIMITS.count} signatures`,
  );
}

/** How the lookaside of a place is read: files always, servers only when they may be asked. */
export function lookasideReaders(
  { host, network, readsLookasideServers = false }: SourceOptions,
  place: Place,
  { onLook }: Pick<SignatureQuery, 'onLook'> = {},
): LookasideReaders {
  const file = fileReader(host, onLook);
  if (network === undefined || !readsLookasideServers) return { file };
  const server = serverReader(network, place);
  return { file, http: server, https: server };
}

/** Files are the node's own, so they are read below the host's root. */
export function fileReader(host: Host, onLook?: SignatureQuery['onLook']): LookasideReader {
  return async (address) => {
    const path = pathIn(address);
    onLook?.(path);
    return await host.readBytes(path, SIGNATURE_LIMITS.bytes);
  };
}

/** containers/image asks a lookaside with the certificates of the registry, without its credentials. */
function serverReader(
  { http, certificates }: Network,
  { reference, insecure }: Place,
): LookasideReader {
  return async (address, signal) => {
    const url = URL.parse(address);
    if (url === null) {
      const message = `lookaside ${shownAddress(address)}: expected an http or https address`;
      throw new SourceError('ERR_SOURCE_CONFIG', message);
    }
    const tls = await certificates.settingsFor(reference.domain, insecure);
    const answer = await http.request({ url, tls, limitBytes: SIGNATURE_LIMITS.bytes }, signal);
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw unexpectedStatus(url, answer);
    return answer.body;
  };
}

function readerFor(base: string, readers: LookasideReaders): LookasideReader {
  const { scheme } = parseUrl(base);
  switch (scheme) {
    case 'file':
    case 'http':
    case 'https': {
      const reader = readers[scheme];
      if (reader !== undefined) return reader;
      const message = `lookaside ${shownAddress(base)}: ${scheme} is not enabled`;
      throw new SourceError('ERR_SOURCE_NOT_ENABLED', message);
    }
    default:
      throw new SourceError(
        'ERR_SOURCE_REFUSED',
        `lookaside ${shownAddress(base)}: expected a file, http or https address`,
      );
  }
}

/** A Go URL holds the bytes of its path one a character. */
function pathIn(address: string): string {
  return Buffer.from(parseUrl(address).path, 'latin1').toString();
}
