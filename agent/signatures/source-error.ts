import { CodedError } from '../../shared/errors.ts';

/**
 * `ERR_SOURCE_NOT_ENABLED`: the place is known and was not looked at. `ERR_SOURCE_CONFIG`: the node does not say
 * in a usable way where and how to look. `ERR_SOURCE_UNREACHABLE`: a server gave no answer. `ERR_SOURCE_STATUS`: it
 * answered neither what was asked for nor that there is none. Nothing can be said of the image in any of these cases.
 * `ERR_SOURCE_REFUSED`: the node's own tools would not take the content either, so the image is refused.
 */
export type SourceErrorCode =
  | 'ERR_SOURCE_NOT_ENABLED'
  | 'ERR_SOURCE_CONFIG'
  | 'ERR_SOURCE_UNREACHABLE'
  | 'ERR_SOURCE_STATUS'
  | 'ERR_SOURCE_REFUSED';

/** A source that could not give all signatures there are. */
export class SourceError extends CodedError<SourceErrorCode> {}
