import { isKnownTransport } from './policy-scope-syntax.ts';
import { ImageReferenceError } from './reference.ts';

/** An image as the command lines of containers name it, in its two parts. */
export interface ImageName {
  readonly transport: string;
  /** In the transport's own syntax; of `docker` without the `//`. */
  readonly reference: string;
}

/** Reads `transport:reference`, containers-transports(5); throws `ImageReferenceError`. */
export function parseImageName(text: string): ImageName {
  const colon = text.indexOf(':');
  const transport = text.slice(0, Math.max(colon, 0));
  if (colon === -1 || !isKnownTransport(transport)) {
    const shown = JSON.stringify(text.slice(0, 200));
    throw new ImageReferenceError(`${shown}: expected an image as transport:reference`);
  }
  const reference = text.slice(colon + 1);
  if (transport !== 'docker') return { transport, reference };
  if (!reference.startsWith('//')) {
    throw new ImageReferenceError(`${JSON.stringify(text)}: expected docker://`);
  }
  return { transport, reference: reference.slice(2) };
}
