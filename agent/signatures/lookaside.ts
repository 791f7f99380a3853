import { parseUrl } from '../../shared/trust/go-url.ts';
import type { Reference } from '../../shared/trust/reference.ts';
import {
  lookupRegistriesD,
  type RegistriesD,
  type RegistriesDLookup,
  signatureUrl,
} from '../../shared/trust/registries-d.ts';
import { RegistriesDError } from '../../shared/trust/registries-d-file.ts';
import type { Host } from '../host.ts';
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
 * Signatures in the lookaside that registries.d names for the image: `signature-1`, `signature-2`, … until one is
 * missing. The image is looked up by its own name, not by that of a mirror it may have come from. Throws
 * `SourceError` and `HostError`.
 */
export function lookasideSource({ host, trust }: SourceOptions): SignatureSource {
  const { registries, problem } = trust.registriesD;
  const readers = { file: fileReader(host) };
  return {
    id: 'lookaside',
    async *signatures(query: SignatureQuery, signal: AbortSignal): AsyncIterable<Uint8Array> {
      if (registries === undefined) {
        throw new SourceError('ERR_SOURCE_CONFIG', problem?.message ?? 'no registries.d');
      }
      // A nameless image has no repository whose lookaside could be asked.
      if (query.reference === undefined) return;
      const { lookaside, useSigstoreAttachments } = lookUp(registries, query.reference);
      yield* readLookaside(lookaside.base, query.reference, query.manifestDigest, readers, signal);
      if (useSigstoreAttachments && query.wantsSigstore) {
        const message = 'sigstore attachments in the registry are not fetched by this version';
        throw new SourceError('ERR_SOURCE_NOT_ENABLED', message);
      }
    },
  };
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
