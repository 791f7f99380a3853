import { CodedError } from '../../shared/errors.ts';

/** What stands between a layer as it lies in the store and the archive it came from. */
export type LayerErrorCode =
  | 'ERR_LAYER_TAR_SPLIT'
  | 'ERR_LAYER_FILE'
  | 'ERR_LAYER_LIMIT'
  | 'ERR_LAYER_DIGEST'
  | 'ERR_LAYER_ARCHIVE';

/** A layer whose archive cannot be rebuilt, or is not the one asked for; what cannot be read is a `HostError`. */
export class LayerError extends CodedError<LayerErrorCode> {
  /** The code as a reason: `layer-tar-split`, `layer-file`, … */
  get reason(): string {
    return this.code.slice('ERR_'.length).toLowerCase().replaceAll('_', '-');
  }
}
