import type { Reference } from '../../shared/trust/reference.ts';
import type { Host } from '../host.ts';
import type { ImageStore, StoredImage } from '../images/store.ts';
import type { NodeTrust } from '../trust.ts';
import type { Network } from './network.ts';

export const SOURCE_IDS = ['store', 'lookaside', 'registry'] as const;
/**
 * Where signatures come from: `store`, what was kept with the image at its pull; `lookaside`, the signature
 * storage that registries.d names; `registry`, the registry's own (API extension and sigstore attachments).
 */
export type SourceId = (typeof SOURCE_IDS)[number];

/** The manifest whose signatures are wanted. */
export interface SignatureQuery {
  readonly image: StoredImage;
  /** SHA-256 of the manifest, `sha256:…`. */
  readonly manifestDigest: string;
  /** Digest of the instance when the image was asked for by the digest of a list. */
  readonly instance?: string;
  /** A requirement asks for sigstore signatures. */
  readonly wantsSigstore: boolean;
  /** Name under which the image is judged, with tag or digest; absent for a nameless image. */
  readonly reference?: Reference;
  /** Told of each file outside of the store that is looked for, whether it is there or not. */
  readonly onLook?: (path: string) => void;
}

/** What sources need: the node, what it declares, and the records of its store. */
export interface SourceOptions {
  readonly host: Host;
  readonly trust: NodeTrust;
  readonly store: ImageStore;
  /** How servers are asked; without it nothing but the node's own disk is read. */
  readonly network?: Network;
  /** `lookaside` is among the sources, so its servers may be asked; default false. */
  readonly readsLookasideServers?: boolean;
}

/** Signature blobs for one manifest, in stored form and in order. None is a normal answer; a failure to look throws. */
export interface SignatureSource {
  readonly id: SourceId;
  signatures(query: SignatureQuery, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** As containers/image: more are taken for a broken server, and none is longer. */
export const SIGNATURE_LIMITS: { readonly count: number; readonly bytes: number } = {
  count: 128,
  bytes: 4 * 1024 * 1024,
};
