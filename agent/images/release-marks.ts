import type { ImageVerdict } from '../../shared/images.ts';
import { type ReleaseNote, Releases } from './release.ts';
import type { ReleaseSettings } from './release-signature.ts';
import type { ReleaseScene } from './release-verify.ts';
import { isUnchanged, type StoredImage } from './store.ts';

export interface MarkedVerdicts {
  readonly verdicts: readonly ImageVerdict[];
  readonly notes: readonly ReleaseNote[];
}

type MarkScene = Omit<ReleaseScene, 'settings' | 'signal' | 'verdictsOn'> & {
  /** Verdicts on an image that was not among those asked for, by its id. */
  readonly judge: (id: string) => Promise<readonly ImageVerdict[]>;
};

interface MarkOptions {
  readonly release?: ReleaseSettings | false;
  readonly signal?: AbortSignal;
}

/**
 * Adds to each verdict the verified release its image belongs to; the verdicts themselves stay. A store that is being
 * changed all the while is left for the next pass. Never throws for a state of the node; throws the signal's reason.
 */
export async function markReleases(
  verdicts: readonly ImageVerdict[],
  isSettled: boolean,
  { release: settings, signal = new AbortController().signal }: MarkOptions,
  { judge, ...scene }: MarkScene,
): Promise<MarkedVerdicts> {
  if (settings === false) return { verdicts, notes: [] };
  let byImage: ReadonlyMap<string, readonly ImageVerdict[]> | undefined;
  const releases = await Releases.read({
    ...scene,
    settings,
    signal,
    verdictsOn: async ({ id }) => {
      byImage ??= Map.groupBy(verdicts, ({ imageId }) => imageId);
      return byImage.get(id) ?? (await judge(id));
    },
  });
  const { store, host } = scene;
  if (releases.isNothing) return { verdicts, notes: [] };
  // Of an image in several folders the first one's record counts.
  const images = new Map<string, StoredImage>();
  for (const image of store.images) if (!images.has(image.id)) images.set(image.id, image);
  const marked: ImageVerdict[] = [];
  for (const verdict of verdicts) {
    const image = images.get(verdict.imageId);
    const release = image === undefined ? undefined : await releases.of(image);
    marked.push(release === undefined ? verdict : { ...verdict, release });
  }
  const isWhole = isSettled && (await isUnchanged(host, store));
  return { verdicts: marked, notes: isWhole ? releases.notes : releases.notes.map(unlessChanging) };
}

/** Read beside a writer, what is missing may have been removed with its image. */
function unlessChanging({ imageId, subject }: ReleaseNote): ReleaseNote {
  return {
    ...(imageId === undefined ? {} : { imageId }),
    subject,
    reason: 'store-changing',
    message: 'the store was being changed all the while it was read',
  };
}
