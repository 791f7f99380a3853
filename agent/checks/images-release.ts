import type { Observed } from '../../shared/findings.ts';
import type { ImageVerdict } from '../../shared/images.ts';

/** What is to be said of an image's verified release, at the end of a sentence; nothing for an image of none. */
export function releaseText({ release, digest }: Pick<ImageVerdict, 'release' | 'digest'>): string {
  if (release === undefined) return '';
  const { version, image, signedBy, source } = release;
  const what = digest === image ? 'the release image of' : 'component of release';
  const list = source === 'file' ? ', by a list of images that is a file' : '';
  return `; ${what} ${version}, signed by ${signedBy.join(', ')}${list}`;
}

/** The same as evidence. */
export function releaseObserved({ release }: Pick<ImageVerdict, 'release'>): Observed {
  if (release === undefined) return {};
  const { version, image, signedBy, source } = release;
  return {
    release: version,
    releaseImage: image,
    releaseSignedBy: signedBy.join(' '),
    releaseSource: source,
  };
}
