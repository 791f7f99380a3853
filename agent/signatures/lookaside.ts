import { parseUrl } from '../../shared/trust/go-url.ts';
import type { Reference } from '../../shared/trust/reference.ts';
import { resolveRegistry } from '../../shared/trust/registries-conf.ts';
import {
  lookupRegistriesD,
  type RegistriesD,
  type RegistriesDLookup,
  signatureUrl,
} from '../../shared/trust/registries-d.ts';
import { RegistriesDError } from '../../shared/trust/registries-d-file.ts';
import type { Host } from '../host.ts';
import type { NodeTrust } from '../trust.ts';
import {
  SIGNATURE_LIMITS,
  type SignatureQuery,
  type SignatureSource,
  SourceError,
  type SourceOptions,
} from './source.ts';

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
export function lookasideSource({ host, trust }: SourceOptions): SignatureSource {
  const readers = { file: fileReader(host) };
  return {
    id: 'lookaside',
    async *signatures(query: SignatureQuery, signal: AbortSignal): AsyncIterable<Uint8Array> {
      // A nameless image has no repository whose lookaside could be asked.
      if (query.reference === undefined) return;
      let notEnabled: SourceError | undefined;
      for (const place of lookasidesOf(trust, query.reference)) {
        try {
          yield* readLookaside(place.base, place.reference, query.manifestDigest, readers, signal);
        } catch (error) {
          if (!(error instanceof SourceError) || error.code !== 'ERR_SOURCE_NOT_ENABLED')
            throw error;
          notEnabled ??= error;
        }
        if (place.useSigstoreAttachments && query.wantsSigstore) {
          const message = 'sigstore attachments in the registry are not fetched by this version';
          notEnabled ??= new SourceError('ERR_SOURCE_NOT_ENABLED', message);
        }
      }
      if (notEnabled !== undefined) throw notEnabled;
    },
  };
}

/** Where signatures of an image may lie. */
interface Lookaside {
  readonly base: string;
  /** Name of the image there. */
  readonly reference: Reference;
  readonly useSigstoreAttachments: boolean;
}

function lookasidesOf(trust: NodeTrust, reference: Reference): readonly Lookaside[] {
  const { registriesD, registriesConf } = trust;
  if (registriesD.registries === undefined || registriesConf.conf === undefined) {
    const problem = registriesD.problem ?? registriesConf.problem;
    throw new SourceError('ERR_SOURCE_CONFIG', problem?.message ?? 'no registries configuration');
  }
  const { sources } = resolveRegistry(registriesConf.conf, reference);
  // What may not be fetched any more was fetched from its own place.
  const places = sources.length === 0 ? [reference] : sources.map((source) => source.reference);
  const lookasides = new Map<string, Lookaside>();
  for (const place of places) {
    const { lookaside, useSigstoreAttachments } = lookUp(registriesD.registries, place);
    const { base } = lookaside;
    const key = `${base} ${place.path}`;
    const known = lookasides.get(key)?.useSigstoreAttachments === true;
    lookasides.set(key, {
      base,
      reference: place,
      useSigstoreAttachments: known || useSigstoreAttachments,
    });
  }
  return [...lookasides.values()];
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
    `lookaside ${base}: expected less than ${SIGNATURE_LIMITS.count} signatures`,
  );
}

/** Files are the node's own, so they are read below the host's root. */
export function fileReader(host: Host): LookasideReader {
  return (address) => host.readBytes(pathIn(address), SIGNATURE_LIMITS.bytes);
}

function lookUp(registries: RegistriesD, reference: Reference): RegistriesDLookup {
  try {
    return lookupRegistriesD(registries, reference);
  } catch (error) {
    if (!(error instanceof RegistriesDError)) throw error;
    throw new SourceError('ERR_SOURCE_CONFIG', error.message, { cause: error });
  }
}

function readerFor(base: string, readers: LookasideReaders): LookasideReader {
  const { scheme } = parseUrl(base);
  switch (scheme) {
    case 'file':
    case 'http':
    case 'https': {
      const reader = readers[scheme];
      if (reader !== undefined) return reader;
      const message = `lookaside ${base}: ${scheme} is not enabled`;
      throw new SourceError('ERR_SOURCE_NOT_ENABLED', message);
    }
    default:
      throw new SourceError(
        'ERR_SOURCE_REFUSED',
        `lookaside ${base}: expected a file, http or https address`,
      );
  }
}

/** A Go URL holds the bytes of its path one a character. */
function pathIn(address: string): string {
  return Buffer.from(parseUrl(address).path, 'latin1').toString();
}
