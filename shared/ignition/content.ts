import { gunzipSync } from 'node:zlib';
import { CodedError, messageOf } from '../errors.ts';
import { DataUrlError, decodeDataUrl } from './data-url.ts';

/** Longest content of one file after inflating; what is larger is no configuration. */
const LIMIT_BYTES = 8 * 1024 * 1024;

/** A content of Ignition that cannot be had here; the message says what was expected. */
export class IgnitionContentError extends CodedError<
  'ERR_IGNITION_SOURCE' | 'ERR_IGNITION_COMPRESSION'
> {}

/** The bytes of `contents` of a file: its `data:` URL, inflated when it says so. Throws `IgnitionContentError`. */
export function ignitionContent(source: string, compression = ''): Buffer {
  if (compression !== '' && compression !== 'gzip') {
    throw new IgnitionContentError('ERR_IGNITION_COMPRESSION', 'expected "" or gzip');
  }
  const bytes = decoded(source);
  if (compression === 'gzip') return inflated(bytes);
  if (bytes.length <= LIMIT_BYTES) return bytes;
  throw new IgnitionContentError('ERR_IGNITION_SOURCE', `larger than ${LIMIT_BYTES} bytes`);
}

function decoded(source: string): Buffer {
  try {
    return decodeDataUrl(source);
  } catch (cause) {
    if (!(cause instanceof DataUrlError)) throw cause;
    throw new IgnitionContentError('ERR_IGNITION_SOURCE', cause.message, { cause });
  }
}

function inflated(bytes: Uint8Array): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: LIMIT_BYTES });
  } catch (cause) {
    const message = `not gzip (${messageOf(cause)})`;
    throw new IgnitionContentError('ERR_IGNITION_SOURCE', message, { cause });
  }
}
