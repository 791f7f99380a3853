import { parseDigest } from '../../shared/trust/digest.ts';
import {
  type Reference,
  referenceText,
  tryParseReference,
  withDefaultTag,
} from '../../shared/trust/reference.ts';
import type { ImageRecord } from './records.ts';
import type { ImageStore, StoredImage } from './store.ts';

/** An image and the name under which it is looked at; none for a nameless image. */
export interface SelectedImage {
  readonly image: StoredImage;
  readonly name?: string;
}

export interface Selection {
  readonly selected: readonly SelectedImage[];
  /** References that no image has. */
  readonly notFound: readonly string[];
}

/**
 * The images that references mean, each under the name asked for; all of them under all their names when nothing is
 * asked for. A reference is a name (completed as usual), a name with a digest, a digest, or an image id of 12 digits
 * of hex or more.
 */
export function selectImages(store: ImageStore, references: readonly string[]): Selection {
  if (references.length === 0) return { selected: store.images.flatMap(everyName), notFound: [] };
  const find = finderIn(store.images);
  const selected = new Map<string, SelectedImage>();
  const notFound: string[] = [];
  for (const reference of references) {
    const found = find(reference).flatMap((image) => namesMeant(image, reference));
    if (found.length === 0) notFound.push(reference);
    for (const one of found) {
      // The first folder that has an image under this name is the one the node takes.
      const key = `${one.image.id} ${one.name ?? ''}`;
      if (!selected.has(key)) selected.set(key, one);
    }
  }
  return { selected: [...selected.values()], notFound };
}

/** The digests by which an image is found: its own, and those of every manifest kept for it. */
export function digestsOf({ digest, dataDigests }: ImageRecord): ReadonlySet<string> {
  const digests = new Set(digest === undefined ? [] : [digest]);
  for (const [key, value] of dataDigests) if (key.startsWith('manifest')) digests.add(value);
  return digests;
}

function everyName(image: StoredImage): readonly SelectedImage[] {
  if (image.isShadowed) return [];
  if (image.names.length === 0) return [{ image }];
  return image.names.map((name) => ({ image, name }));
}

/**
 * The images, in their order, that a reference may mean: whether one does, `namesMeant` says. Names are parsed once, not
 * for every reference again.
 */
function finderIn(images: readonly StoredImage[]): (reference: string) => readonly StoredImage[] {
  const places = new Map<string, Set<number>>();
  for (const [place, image] of images.entries()) {
    for (const key of [
      ...digestsOf(image),
      ...[...image.names, ...image.ownNames].flatMap(keysOf),
    ]) {
      const known = places.get(key);
      if (known === undefined) places.set(key, new Set([place]));
      else known.add(place);
    }
  }
  return (reference) => {
    const found = new Set(keysOf(reference).flatMap((key) => [...(places.get(key) ?? [])]));
    const isId = ID_PREFIX.test(reference);
    return images.filter(
      (image, place) => found.has(place) || (isId && image.id.startsWith(reference)),
    );
  };
}

/** A name as it stands, completed, and its repository. */
function keysOf(name: string): readonly string[] {
  const reference = tryParseReference(name);
  if (reference === undefined) return [name];
  return [name, referenceText(withDefaultTag(reference)), reference.name];
}

const ID_PREFIX = /^[0-9a-f]{12,}$/;

function namesMeant(image: StoredImage, text: string): readonly SelectedImage[] {
  if (ID_PREFIX.test(text) && image.id.startsWith(text)) return everyName(image);
  if (parseDigest(text) !== undefined) return digestsOf(image).has(text) ? everyName(image) : [];
  if (image.names.includes(text)) return [{ image, name: text }];
  const reference = tryParseReference(text);
  if (reference === undefined) return [];
  return reference.digest === undefined
    ? taggedNames(image, referenceText(withDefaultTag(reference)))
    : nameByDigest(image, reference, reference.digest);
}

function taggedNames(image: StoredImage, wanted: string): readonly SelectedImage[] {
  const names = image.names.filter((name) => {
    const own = tryParseReference(name);
    return own !== undefined && referenceText(withDefaultTag(own)) === wanted;
  });
  return names.map((name) => ({ image, name }));
}

/** By digest an image is found under any name in that repository, and judged under the one asked for. */
function nameByDigest(
  image: StoredImage,
  { name }: Reference,
  digest: string,
): readonly SelectedImage[] {
  const isOfRepository = image.ownNames.some((own) => tryParseReference(own)?.name === name);
  if (!isOfRepository || !digestsOf(image).has(digest)) return [];
  return [{ image, name: `${name}@${digest}` }];
}
