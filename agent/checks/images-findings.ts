import { rfc3339 } from '../../shared/clock.ts';
import type { Observed } from '../../shared/findings.ts';
import type { ImageVerdict } from '../../shared/images.ts';
import type { Result } from '../../shared/results.ts';
import { type Statement, whereReadable } from '../check.ts';
import type { Host } from '../host.ts';
import type { ImageVerification } from '../images/verify.ts';

/** Where distributions that boot from containers put images of their own. */
const VENDOR_STORE = '/usr/lib/containers/storage';

/** One statement for each image that containers use, by the names they asked for; all its names where that is not known. */
export function runningVerified(verification: ImageVerification): readonly Statement[] {
  const used = Map.groupBy(
    verification.verdicts.filter(({ pods }) => pods.length > 0),
    ({ imageId }) => imageId,
  );
  if (used.size === 0) {
    const message = 'no container on this node uses an image of its store';
    return [{ result: 'notapplicable', reason: 'none-in-use', message }];
  }
  return [...used].flatMap(([imageId, verdicts]) => {
    const asked = verification.askedNames.get(imageId);
    const meant = verdicts.filter(({ reference }) => asked?.has(reference));
    return (meant.length > 0 ? meant : verdicts).map(statementOnUse);
  });
}

const USE: Readonly<Record<ImageVerdict['verdict'], readonly [Result, string]>> = {
  accepted: ['pass', 'satisfies the policy'],
  unenforced: ['notapplicable', 'the policy asks for no signature'],
  rejected: ['fail', 'is refused by the policy'],
  unknown: ['unknown', 'could not be decided'],
};

function statementOnUse(image: ImageVerdict): Statement {
  const { verdict, imageId, pods, message = '', reason } = image;
  const [result, words] = USE[verdict];
  const [first] = pods;
  const user = [first?.namespace, first?.pod, first?.container].filter(Boolean).join('/');
  const more = pods.length > 1 ? ` and ${pods.length - 1} more` : '';
  return {
    subject: subjectOf(image),
    result,
    message: `in use by ${user}${more}: ${words}${message === '' ? '' : `: ${message}`}${releaseText(image)}`,
    observed: { imageId, verdict, containers: pods.length, ...releaseObserved(image) },
    ...(verdict === 'accepted' ? {} : { reason: reason ?? verdict }),
  };
}

/** One statement for each image whose bytes are not what they were recorded as, or that could not be looked at. */
export function contentConsistent({ contents }: ImageVerification): readonly Statement[] {
  const statements = contents.flatMap(({ imageId, faults, problem }): readonly Statement[] => [
    ...faults.map(({ item, expected, found }): Statement => {
      const message = `${item} is not what was stored: expected ${expected}, found ${found ?? 'no digest'}`;
      const observed = { imageId, item, digest: found ?? null };
      const subject = `${imageId} ${item}`;
      return {
        subject,
        result: 'fail',
        reason: 'digest-mismatch',
        message,
        observed,
        expected: { digest: expected },
      };
    }),
    ...(problem === undefined
      ? []
      : [
          {
            subject: imageId,
            result: 'unknown' as const,
            reason: 'unreadable',
            message: problem,
            observed: { imageId },
          },
        ]),
  ]);
  if (statements.length > 0) return statements;
  const compared = contents.reduce((sum, one) => sum + one.compared, 0);
  if (compared === 0) {
    const message = 'no image on this node has a manifest or configuration with a digest';
    return [{ result: 'notapplicable', reason: 'no-images', message }];
  }
  const message = `${compared} manifests and configurations of ${contents.length} images match their digests; layers are not read`;
  return [{ result: 'pass', message }];
}

/** One statement for each folder of `additionalimagestores`; that of the vendor itself is no finding. */
export function additionalStores(verification: ImageVerification): readonly Statement[] {
  const { additionalStores: stores, folders, faults } = verification;
  const unreadable = faults.find(({ reason }) => reason === 'config');
  if (stores.length > 0) {
    return stores.map((path) => {
      const images = folders
        .filter((folder) => folder.kind === 'additional' && folder.path.startsWith(`${path}/`))
        .reduce((sum, folder) => sum + folder.images, 0);
      const isVendor = path === VENDOR_STORE;
      return {
        subject: path,
        result: isVendor ? 'pass' : 'fail',
        message: isVendor
          ? `the vendor's own store, ${images} images`
          : `an additional store, ${images} images that this node never pulled`,
        observed: { path, images },
        ...(isVendor ? {} : { reason: 'additional-store' }),
      };
    });
  }
  if (unreadable !== undefined) {
    return [{ result: 'unknown', reason: 'config', message: unreadable.message }];
  }
  if (!folders.some(({ isPresent }) => isPresent)) {
    return [{ result: 'notapplicable', reason: 'no-store', message: 'there is no image store' }];
  }
  return [{ result: 'pass', message: 'no additional image store is configured' }];
}

/**
 * One statement for each image that the policy does not accept and that was written to the store before the file of the
 * policy was. When an image was pulled is recorded nowhere: its manifest is written by each pull, and nothing later.
 */
export async function pulledBeforePolicy(
  host: Host,
  { verdicts, folders }: ImageVerification,
  policyPath: string,
): Promise<readonly Statement[]> {
  const policy = await whereReadable(host.stat(policyPath));
  const judged = verdicts.filter(({ verdict }) => verdict !== 'unenforced');
  if (policy === undefined || judged.length === 0) {
    const message =
      policy === undefined ? `there is no ${policyPath}` : 'no image here has to be signed';
    const reason = policy === undefined ? 'no-policy' : 'unenforced';
    return [{ result: 'notapplicable', reason, message }];
  }
  const changed = rfc3339(policy.mtimeMs);
  const statements: Statement[] = [];
  for (const image of judged.filter(({ verdict }) => verdict !== 'accepted')) {
    const paths = folders.map(({ path }) => `${path}/${image.imageId}/manifest`);
    const stats = await Promise.all(paths.map((path) => whereReadable(host.stat(path))));
    const writtenMs = stats.find((stat) => stat !== undefined)?.mtimeMs;
    if (writtenMs === undefined || writtenMs >= policy.mtimeMs) continue;
    statements.push({
      subject: subjectOf(image),
      result: image.verdict === 'rejected' ? 'fail' : 'unknown',
      reason: image.reason ?? image.verdict,
      message: `stored ${rfc3339(writtenMs)}, before ${policyPath} was written (${changed}), and not accepted by it`,
      observed: { imageId: image.imageId, stored: rfc3339(writtenMs), policy: changed },
    });
  }
  if (statements.length > 0) return statements;
  const message = `no image stored before ${policyPath} was written (${changed}) is refused by it`;
  return [{ result: 'pass', message }];
}

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

/** A nameless image goes by its id. */
function subjectOf({ reference, imageId }: ImageVerdict): string {
  return reference === '<none>' ? imageId : reference;
}
