import type { Json } from '../../shared/canonical.ts';
import { counted } from '../../shared/counted.ts';
import type { Finding, Observed } from '../../shared/findings.ts';
import type { ImageVerdict, Verdict } from '../../shared/images.ts';
import type { Items } from '../../shared/report.ts';
import type { Result } from '../../shared/results.ts';
import { type Check, type CheckContext, finding, type Statement } from '../check.ts';
import type { ReleaseNote } from '../images/release.ts';
import type { StoreFault } from '../images/store-faults.ts';
import { verifierOf } from '../images/verifier.ts';
import type { ImageVerification } from '../images/verify.ts';
import { trustWatches, trustWatchesIn } from '../trust-places.ts';
import { additionalStores, contentConsistent, pulledBeforePolicy } from './images-findings.ts';
import { unreadImages } from './images-gaps.ts';
import { itemKeyOf, subjectOf } from './images-names.ts';
import { releaseObserved, releaseText } from './images-release.ts';
import { referenceQuality, runningVerified } from './images-use.ts';
import * as rules from './rules/images.ts';

/** Images already on the node: what their signatures are worth under the policy in force. */
export const images: Check = {
  id: 'images',
  title: 'Images on the node are what their signatures say',
  rules: [
    rules.signatureValid,
    rules.storeReadable,
    rules.runningVerified,
    rules.pulledBeforePolicy,
    rules.contentConsistent,
    rules.additionalStores,
    rules.referenceQuality,
  ],
  watches: [
    ...trustWatches,
    '/etc/containers/storage.conf.d',
    '/etc/pki/containers',
    '/var/lib/containers/storage/overlay-images',
    '/var/lib/containers/storage/vfs-images',
  ],
  watchesIn: trustWatchesIn,
  run,
};

/**
 * Section `images` of a report: `ImageVerdict` by `<image id> <reference>`, with the namespace as a third word where its
 * policy judged, as the last run of the check left it; a first pass is made when there was none.
 */
export async function describeImages(
  { host, clock }: Pick<CheckContext, 'host' | 'clock'>,
  signal: AbortSignal,
): Promise<Items> {
  const verifier = verifierOf(host);
  const verification = verifier.latest ?? (await verifier.verify(clock, signal));
  const { verdicts } = verification;
  return new Map(verdicts.map((verdict) => [itemKeyOf(verdict, verification), toJson(verdict)]));
}

async function run(
  { host, clock }: CheckContext,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const verification = await verifierOf(host).verify(clock, signal);
  const earlier = await pulledBeforePolicy(host, verification);
  return [
    ...signatureValid(verification).map((one) => finding(rules.signatureValid, one)),
    ...storeReadable(verification).map((one) => finding(rules.storeReadable, one)),
    ...runningVerified(verification).map((one) => finding(rules.runningVerified, one)),
    ...earlier.map((one) => finding(rules.pulledBeforePolicy, one)),
    ...contentConsistent(verification).map((one) => finding(rules.contentConsistent, one)),
    ...additionalStores(verification).map((one) => finding(rules.additionalStores, one)),
    ...referenceQuality(verification, clock.nowMs()).map((one) =>
      finding(rules.referenceQuality, one),
    ),
  ];
}

const RESULTS: Readonly<Record<Verdict, Result>> = {
  accepted: 'pass',
  unenforced: 'notapplicable',
  rejected: 'fail',
  unknown: 'unknown',
};

function signatureValid(verification: ImageVerification): readonly Statement[] {
  const { verdicts, releaseNotes } = verification;
  if (verdicts.length > 0) {
    const notes = new Map(releaseNotes.map((note) => [note.imageId, note]));
    return verdicts.map((image) => statementOn(image, verification, notes.get(image.imageId)));
  }
  const unread = unreadImages(verification);
  if (unread !== undefined) return [unread];
  const message = 'there is no image on this node';
  return [{ result: 'notapplicable', reason: 'no-images', message }];
}

function statementOn(
  image: ImageVerdict,
  verification: ImageVerification,
  note?: ReleaseNote,
): Statement {
  const { verdict, reason, pods } = image;
  return {
    subject: subjectOf(image, verification),
    result: RESULTS[verdict],
    message: `${messageOn(image)}${releaseText(image)}${noteText(note)}`,
    observed: {
      ...observedOf(image),
      ...releaseObserved(image),
      ...(note === undefined ? {} : { releaseReason: note.reason }),
    },
    ...(verdict === 'accepted' ? {} : { reason: reason ?? verdict }),
    // Nothing stops what already runs.
    ...(verdict === 'rejected' && pods.length > 0 ? { severity: 'critical' } : {}),
  };
}

function messageOn({ verdict, signedBy, scope, message, source, pods }: ImageVerdict): string {
  switch (verdict) {
    case 'accepted':
      return `accepted by the policy for ${scope}, signed by ${signedBy.join(', ')} (${source})`;
    case 'unenforced':
      return `the policy for ${scope} asks for no signature`;
    case 'rejected': {
      const use = pods.length === 0 ? '' : `, in use by ${counted(pods.length, 'container')}`;
      return `refused by the policy for ${scope}: ${message ?? 'no reason given'}${use}`;
    }
    case 'unknown':
      return `could not be decided: ${message ?? 'no reason given'}`;
  }
}

/** A release image that vouches for nothing is no fault of its own: the policy has the word on it. */
function noteText(note: ReleaseNote | undefined): string {
  return note === undefined ? '' : `; a release image, not verified as such: ${note.message}`;
}

function observedOf(image: ImageVerdict): Observed {
  const { imageId, digest, policy, verdict, scope, source, signedBy } = image;
  return { imageId, digest, policy, verdict, scope, source, signedBy: signedBy.join(' ') };
}

function storeReadable(verification: ImageVerification): readonly Statement[] {
  const { verdicts, faults, layerFaults, releaseNotes, folders } = verification;
  // A damaged image is damaged for every namespace.
  const damaged = verdicts.filter(
    ({ reason = '', namespace }) => reason.startsWith('store-') && namespace === undefined,
  );
  const statements: readonly Statement[] = [
    ...[...Map.groupBy(faults, ({ path }) => path)].map(([path, here]) => faultAt(path, here)),
    ...damaged.map((image): Statement => {
      const { imageId, reason = '', message = '' } = image;
      const subject = subjectOf(image, verification);
      return { subject, result: 'fail', reason, message, observed: { imageId } };
    }),
    // A list of images that is a file has no image to speak of it.
    ...releaseNotes.flatMap(({ imageId, subject, reason, message }): readonly Statement[] =>
      imageId === undefined
        ? [{ subject, result: 'error', reason, message, observed: { path: subject } }]
        : [],
    ),
    ...layerFaults.map((fault): Statement => {
      const { imageId, layer, reason, message } = fault;
      // A pull that is about to end names its image a moment before or after the mark is taken off.
      const result = reason === 'incomplete' ? 'unknown' : 'fail';
      const subject = fault.reference === '<none>' ? imageId : fault.reference;
      return { subject, result, reason, message, observed: { imageId, layer } };
    }),
  ];
  if (statements.length > 0) return statements;
  const present = folders.filter(({ isPresent }) => isPresent);
  if (present.length === 0) {
    const message = `there is no image store here (${folders.map(({ path }) => path).join(', ')})`;
    return [{ result: 'notapplicable', reason: 'no-store', message }];
  }
  const count = present.reduce((sum, folder) => sum + folder.images, 0);
  const message = `${counted(count, 'image')} read from ${present.map(({ path }) => path).join(', ')}`;
  return [{ result: 'pass', message }];
}

/** What is damaged fails; what could not be looked at is no word on the store. */
function faultAt(path: string, faults: readonly StoreFault[]): Statement {
  const isDamage = faults.some(({ reason }) => reason === 'records' || reason === 'record');
  const [first] = faults;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
  return {
    subject: path,
    result: isDamage ? 'fail' : 'error',
    message: `${first?.message ?? path}${more}`,
    observed: { path, faults: faults.length },
    ...(first === undefined ? {} : { reason: first.reason }),
  };
}

function toJson(verdict: ImageVerdict): Json {
  return { ...verdict } as unknown as Json; // plain data: what the types of its members say is JSON
}
