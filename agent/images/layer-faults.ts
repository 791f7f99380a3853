import { chainOf, type LayerFolder } from './layers.ts';
import type { SelectedImage } from './select.ts';
import type { StoredImage } from './store.ts';

/** An image whose layers are not what a container can be made of. */
export interface LayerFault {
  readonly imageId: string;
  /** A name of the image, `<none>` for a nameless one. */
  readonly reference: string;
  /** `incomplete`: a process died while it unpacked the layer, or is about to finish it. */
  readonly reason: 'layer-missing' | 'incomplete';
  readonly layer: string;
  readonly message: string;
}

/**
 * Holds images against the records of their layers. Says nothing where the records could not be read, nor of an image
 * that is on its way: its layers are marked incomplete, and it gets its name last.
 */
export function inspectLayers(
  folders: readonly LayerFolder[],
  selected: readonly SelectedImage[],
): readonly LayerFault[] {
  if (folders.length === 0 || folders.some(({ isComplete }) => !isComplete)) return [];
  const images = new Map(selected.map(({ image }) => [image.id, image]));
  const faults = known.get(folders) ?? new WeakMap<StoredImage, LayerFault | 'none'>();
  known.set(folders, faults);
  return [...images.values()].flatMap((image) => {
    const fault = faults.get(image) ?? faultOf(folders, image) ?? 'none';
    faults.set(image, fault);
    return fault === 'none' ? [] : [fault];
  });
}

/** Records never change: what they come to together is looked up once. */
const known = new WeakMap<readonly LayerFolder[], WeakMap<StoredImage, LayerFault | 'none'>>();

function faultOf(folders: readonly LayerFolder[], image: StoredImage): LayerFault | undefined {
  // An image of nothing but a configuration has no layer.
  if (image.layer === undefined) return undefined;
  const { id: imageId, names } = image;
  const [reference = '<none>'] = names;
  const chain = chainOf(folders, image.layer);
  if (chain.kind !== 'whole') {
    const { layer } = chain;
    const what = chain.kind === 'loop' ? 'is its own ancestor' : 'is in no list of layers';
    const message = `the layer ${layer} of the image ${what}`;
    return { imageId, reference, reason: 'layer-missing', layer, message };
  }
  const half = chain.layers.find(({ record }) => record.isIncomplete);
  if (half === undefined || names.length === 0) return undefined;
  const layer = half.record.id;
  const message = `the layer ${layer} of the image is marked as not wholly unpacked`;
  return { imageId, reference, reason: 'incomplete', layer, message };
}
