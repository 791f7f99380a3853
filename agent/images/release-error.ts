import { CodedError } from '../../shared/errors.ts';
import { ManifestError } from '../../shared/trust/manifest.ts';
import { HostError } from '../host.ts';
import { LayerError } from './layer-error.ts';
import { StoreError } from './records.ts';

/** Where the chain from a release's signature to the images it names breaks. */
export type ReleaseErrorCode =
  | 'ERR_RELEASE_SIGNATURE'
  | 'ERR_RELEASE_MANIFEST'
  | 'ERR_RELEASE_CONFIG'
  | 'ERR_RELEASE_LAYERS'
  | 'ERR_RELEASE_REFERENCES';

/** A release that vouches for nothing, for this reason. */
export class ReleaseError extends CodedError<ReleaseErrorCode> {
  /** The code as a reason: `release-signature`, `release-manifest`, … */
  get reason(): string {
    return this.code.slice('ERR_'.length).toLowerCase().replaceAll('_', '-');
  }
}

/** Why a release could not be verified. */
export interface ReleaseTrouble {
  /** `release-…`, `layer-…`, `store-…`, or a reason of reading: `permission`, … */
  readonly reason: string;
  readonly message: string;
}

/** What an error says of the release. Throws what is a broken assumption of ours, and the reason of a signal. */
export function releaseTroubleOf(error: unknown): ReleaseTrouble {
  if (!(error instanceof Error)) throw error;
  const { message } = error;
  if (error instanceof ReleaseError || error instanceof LayerError || error instanceof HostError) {
    return { reason: error.reason, message };
  }
  if (error instanceof StoreError) return { reason: `store-${error.reason}`, message };
  if (error instanceof ManifestError) return { reason: 'release-manifest', message };
  throw error;
}
