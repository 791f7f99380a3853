import { messageOf } from '../../shared/errors.ts';
import { type ImageRecord, StoreError } from './records.ts';

interface Sizes {
  readonly ofImage: readonly number[];
  readonly ofInstances: ReadonlyMap<string, readonly number[]>;
}

/** A record never changes, and is asked for its sizes again and again. */
const known = new WeakMap<ImageRecord, Sizes>();

/**
 * Sizes of the stored signatures, or of those of one instance, as the image's metadata has them; it is read whole,
 * as the library does. Throws `StoreError` when it is not JSON of that kind: the image then cannot be opened at all.
 */
export function signatureSizes(image: ImageRecord, instance?: string): readonly number[] {
  const sizes = known.get(image) ?? readSizes(image);
  known.set(image, sizes);
  return instance === undefined ? sizes.ofImage : (sizes.ofInstances.get(instance) ?? []);
}

function readSizes(image: ImageRecord): Sizes {
  const metadata = objectIn(parseMetadata(image), image);
  const ofImage = sizesIn(metadata['signature-sizes'], image);
  const ofInstances = new Map<string, readonly number[]>();
  for (const [digest, sizes] of Object.entries(objectIn(metadata['signatures-sizes'], image))) {
    ofInstances.set(digest, sizesIn(sizes, image));
  }
  return { ofImage, ofInstances };
}

function parseMetadata(image: ImageRecord): unknown {
  if (image.metadata === '') return undefined;
  try {
    return JSON.parse(image.metadata);
  } catch (cause) {
    throw metadataFault(image, `not JSON: ${messageOf(cause)}`);
  }
}

/** Go reads null, and what is not there, as nothing. */
function objectIn(value: unknown, image: ImageRecord): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return { ...value };
  throw metadataFault(image, 'expected an object');
}

function sizesIn(value: unknown, image: ImageRecord): readonly number[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    return value;
  }
  throw metadataFault(image, 'expected sizes of signatures as a list of whole numbers');
}

function metadataFault({ id }: ImageRecord, what: string): StoreError {
  return new StoreError('ERR_STORE_METADATA', `image ${id}: metadata: ${what}`);
}
