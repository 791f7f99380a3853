import { HostError } from './host-error.ts';

/** What a file says as text. Throws `ERR_HOST_ENCODING` when it is no UTF-8. */
export function textOf(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new HostError('ERR_HOST_ENCODING', path, 'expected UTF-8 text', { cause });
  }
}
