import { CodedError } from '../../shared/errors.ts';
import type { ImageVerdict } from '../../shared/images.ts';
import { ManifestError } from '../../shared/trust/manifest.ts';
import { ImageReferenceError } from '../../shared/trust/reference.ts';
import { SignatureError } from '../../shared/trust/signature-error.ts';
import { HostError } from '../host.ts';
import { SourceError, type SourceErrorCode } from '../signatures/source-error.ts';
import { StoreError } from './records.ts';

/**
 * An image that no policy needs to judge: the node's own tools would fail on it whatever the policy says
 * (`rejected`), or nothing can be said of it (`unknown`).
 */
export interface Trouble {
  readonly verdict: Extract<ImageVerdict['verdict'], 'rejected' | 'unknown'>;
  /**
   * `rejected`: a `Rejection`, `store-metadata`, `store-manifest`, `store-signatures`, `signatures-unreadable`.
   * `unknown`: `reference-invalid`, `reference-unknown`, `incomplete`, `manifest-list`, `source-not-enabled`, `source-unreachable`,
   * `source-status`, `registries-invalid`,
   * `policy-missing`, `policy-unreadable`, `policy-invalid`, `policy-undecided`, `algorithm-unavailable`, `store-changing`,
   * `evaluation-failed`, `evaluation-timeout`, or a reason of reading (`permission`, `too-large`, …).
   */
  readonly reason: string;
  readonly message: string;
}

/** Trouble on its way to whoever judges the image. */
export class ImageError extends CodedError<'ERR_IMAGE_REJECTED' | 'ERR_IMAGE_UNKNOWN'> {
  readonly trouble: Trouble;
  constructor(verdict: Trouble['verdict'], reason: string, message: string) {
    super(verdict === 'rejected' ? 'ERR_IMAGE_REJECTED' : 'ERR_IMAGE_UNKNOWN', message);
    this.trouble = { verdict, reason, message };
  }
}

const SOURCE_TROUBLES: Readonly<Record<SourceErrorCode, Omit<Trouble, 'message'>>> = {
  ERR_SOURCE_NOT_ENABLED: { verdict: 'unknown', reason: 'source-not-enabled' },
  ERR_SOURCE_CONFIG: { verdict: 'unknown', reason: 'registries-invalid' },
  ERR_SOURCE_UNREACHABLE: { verdict: 'unknown', reason: 'source-unreachable' },
  ERR_SOURCE_STATUS: { verdict: 'unknown', reason: 'source-status' },
  ERR_SOURCE_REFUSED: { verdict: 'rejected', reason: 'signatures-unreadable' },
};

/** What an error while an image or its signatures were read says of it. Throws what is a broken assumption of ours. */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof ImageError) return error.trouble;
  if (!(error instanceof CodedError)) throw error;
  const { message } = error;
  if (error instanceof StoreError) {
    return { verdict: 'rejected', reason: `store-${error.reason}`, message };
  }
  if (error instanceof SignatureError) return { verdict: 'rejected', reason: error.code, message };
  if (error instanceof ManifestError)
    return { verdict: 'rejected', reason: 'manifest-error', message };
  if (error instanceof HostError) return { verdict: 'unknown', reason: error.reason, message };
  if (error instanceof SourceError) return { ...SOURCE_TROUBLES[error.code], message };
  if (error instanceof ImageReferenceError) {
    return { verdict: 'unknown', reason: 'reference-invalid', message };
  }
  throw error;
}
