import { counted } from '../../shared/counted.ts';
import type { ImageUser, ImageVerdict } from '../../shared/images.ts';
import type { Result } from '../../shared/results.ts';
import { tryParseReference } from '../../shared/trust/reference.ts';
import type { Statement } from '../check.ts';
import { judgedName } from '../images/named-image.ts';
import type { ImageUse } from '../images/runtime.ts';
import type { ImageVerification } from '../images/verify.ts';
import { unreadContainers, unreadImages } from './images-gaps.ts';
import { subjectOf } from './images-names.ts';
import { releaseObserved, releaseText } from './images-release.ts';

/**
 * What is said of each image that containers use, under the names they asked for; under all its names where that is not
 * known of one of them. For containers of a namespace with a policy of its own that policy speaks.
 */
export function runningVerified(verification: ImageVerification): readonly Statement[] {
  const used = Map.groupBy(
    verification.verdicts.filter(({ pods }) => pods.length > 0),
    ({ imageId }) => imageId,
  );
  const gap = unreadContainers(verification);
  const open = [
    ...missingImages(verification, unreadImages(verification)),
    ...(gap === undefined ? [] : [gap]),
  ];
  if (used.size === 0 && open.length > 0) return open;
  if (used.size === 0) {
    const message = 'no container on this node uses an image of its store';
    return [{ result: 'notapplicable', reason: 'none-in-use', message }];
  }
  const decided = [...used].flatMap(([imageId, verdicts]) => {
    const spaces = new Set(verdicts.flatMap(({ namespace }) => namespace ?? []));
    const uses = verification.uses.filter(
      (use) => use.image === imageId && (use.isSandbox || !spaces.has(use.user.namespace ?? '')),
    );
    const users = new Set(uses.map(({ user }) => user));
    const asked = new Set(uses.flatMap(({ name }) => name ?? []));
    const judged = verdicts.flatMap((image): readonly ImageVerdict[] => {
      if (image.namespace !== undefined) return [image];
      const pods = image.pods.filter((user) => users.has(user));
      return pods.length === 0 ? [] : [{ ...image, pods }];
    });
    const isMeant = ({ namespace, reference }: ImageVerdict): boolean =>
      namespace !== undefined || asked.has(judgedName(reference));
    const nodeWide = judged.filter(({ namespace }) => namespace === undefined);
    const names = new Set(nodeWide.map(({ reference }) => judgedName(reference)));
    const isTold = uses.every(({ name }) => name !== undefined && names.has(name));
    const meant = isTold ? judged.filter(isMeant) : judged;
    return meant.map((image) => statementOnUse(image, verification));
  });
  return [...decided, ...open];
}

/** Images of containers that are in no list that could be read: what they are worth is not known. */
function missingImages(
  { verdicts, uses }: ImageVerification,
  unread: Statement | undefined,
): readonly Statement[] {
  const known = new Set(verdicts.map(({ imageId }) => imageId));
  // A container made from a root folder has no image.
  const missing = uses.filter(
    ({ image, isSandbox }) => image !== '' && !isSandbox && !known.has(image),
  );
  return [...Map.groupBy(missing, ({ image }) => image)].map(([image, here]): Statement => {
    const users = usersText(here.map(({ user }) => user));
    const why = unread === undefined ? 'it is in no store of this node' : unread.message;
    return {
      subject: image,
      result: 'unknown',
      reason: unread?.reason ?? 'not-in-store',
      message: `in use by ${users}: could not be decided: ${why}`,
      observed: { imageId: image, verdict: 'unknown', containers: here.length },
    };
  });
}

const USE: Readonly<Record<ImageVerdict['verdict'], readonly [Result, string]>> = {
  accepted: ['pass', 'satisfies the policy'],
  unenforced: ['notapplicable', 'the policy asks for no signature'],
  rejected: ['fail', 'is refused by the policy'],
  unknown: ['unknown', 'could not be decided'],
};

function statementOnUse(image: ImageVerdict, verification: ImageVerification): Statement {
  const { verdict, imageId, pods, message = '', reason, namespace, policy } = image;
  const [result, words] = USE[verdict];
  const whose = namespace === undefined ? '' : ` of its namespace (${policy})`;
  return {
    subject: subjectOf(image, verification),
    result,
    message: `in use by ${usersText(pods)}: ${words}${whose}${message === '' ? '' : `: ${message}`}${releaseText(image)}`,
    observed: { imageId, verdict, containers: pods.length, ...releaseObserved(image) },
    ...(verdict === 'accepted' ? {} : { reason: reason ?? verdict }),
  };
}

function usersText([first, ...more]: readonly ImageUser[]): string {
  const user = [first?.namespace, first?.pod, first?.container].filter(Boolean).join('/');
  return more.length > 0 ? `${user} and ${more.length} more` : user;
}

/** How a container asked for its image: `latest` also stands for a name without a tag. */
type Quality = 'digest' | 'tag' | 'latest' | 'unknown';

/** An image in use under one name. */
interface NamedUse {
  readonly name: string;
  readonly quality: Quality;
  readonly uses: readonly ImageUse[];
}

/** One statement for each name of an image in use that may mean another image tomorrow. It informs and never fails. */
export function referenceQuality(
  verification: ImageVerification,
  nowMs: number,
): readonly Statement[] {
  const gap = unreadContainers(verification);
  const workloads = verification.uses.filter(({ image, isSandbox }) => image !== '' && !isSandbox);
  if (workloads.length === 0 && gap !== undefined) return [gap];
  if (workloads.length === 0) {
    const message = 'no container on this node uses an image';
    return [{ result: 'notapplicable', reason: 'none-in-use', message }];
  }
  const named = byName(workloads, verification);
  const count = (quality: Quality): number => named.filter((one) => one.quality === quality).length;
  const mutable = named.filter(({ quality }) => quality !== 'digest');
  if (mutable.length > 0) return mutable.map((one) => statementOn(one, verification, nowMs));
  if (gap !== undefined) return [gap];
  const observed = { byDigest: count('digest'), byTag: 0, byLatest: 0 };
  const message = `${counted(workloads.length, 'container uses', 'containers use')} ${counted(named.length, 'image')}, each by digest`;
  return [{ result: 'pass', message, observed }];
}

/** Where a record does not say by which name its container asked, any name of the image may be the one. */
function byName(
  workloads: readonly ImageUse[],
  { verdicts }: ImageVerification,
): readonly NamedUse[] {
  const own = Map.groupBy(
    verdicts.filter(({ namespace }) => namespace === undefined),
    ({ imageId }) => imageId,
  );
  const worst = (image: string): string => {
    const names = (own.get(image) ?? []).map(({ reference }) => reference);
    return names.find((name) => qualityOf(name) !== 'digest') ?? names[0] ?? image;
  };
  const groups = Map.groupBy(workloads, ({ image, name }) => name ?? worst(image));
  return [...groups].map(([name, uses]) => ({ name, quality: qualityOf(name), uses }));
}

function qualityOf(name: string): Quality {
  const reference = tryParseReference(name);
  if (reference === undefined) return 'unknown';
  if (reference.digest !== undefined) return 'digest';
  return reference.tag === undefined || reference.tag === 'latest' ? 'latest' : 'tag';
}

const REFERENCES: Readonly<Record<Quality, string>> = {
  digest: 'by digest',
  tag: 'by a tag, which may mean another image tomorrow',
  latest: 'by the tag latest, which means another image with every release',
  unknown: 'by a name that is recorded nowhere on this node',
};

function statementOn(
  { name, quality, uses }: NamedUse,
  { created }: ImageVerification,
  nowMs: number,
): Statement {
  const images = [...new Set(uses.map(({ image }) => image))];
  const dates = images.map((image) => created.get(image) ?? '').sort();
  const [oldest = ''] = dates;
  const users = usersText(uses.map(({ user }) => user));
  const many = images.length > 1 ? `; ${images.length} images go by it here` : '';
  const age = ageText(oldest, nowMs);
  return {
    subject: quality === 'unknown' ? (images[0] ?? name) : name,
    result: quality === 'unknown' ? 'unknown' : 'notapplicable',
    reason: quality === 'unknown' ? 'no-reference' : 'informational',
    message: `used by ${users}, ${REFERENCES[quality]}${many}${age === '' ? '' : `; made ${age} ago`}`,
    observed: {
      reference: quality,
      images: images.length,
      containers: uses.length,
      created: oldest === '' ? null : oldest,
    },
  };
}

const DAY_MS = 86_400_000;
const MONTH_DAYS = 30.44;

/** In steps so long that a report does not change every day; '' for a date that is none, as Go's zero time. */
function ageText(created: string, nowMs: number): string {
  const madeMs = Date.parse(created);
  if (!(madeMs > 0) || madeMs > nowMs) return '';
  const days = Math.floor((nowMs - madeMs) / DAY_MS);
  if (days < 7) return 'less than a week';
  if (days < 61) return `${Math.floor(days / 7)} weeks`;
  const months = Math.floor(days / MONTH_DAYS);
  return months < 24 ? `${months} months` : `${Math.floor(months / 12)} years`;
}
