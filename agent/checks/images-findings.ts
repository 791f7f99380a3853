import { rfc3339 } from '../../shared/clock.ts';
import { counted } from '../../shared/counted.ts';
import { type Statement, whereReadable } from '../check.ts';
import type { Host } from '../host.ts';
import type { ImageVerification } from '../images/verify.ts';
import { unreadImages } from './images-gaps.ts';
import { subjectOf } from './images-names.ts';

/** Where distributions that boot from containers put images of their own. */
const VENDOR_STORE = '/usr/lib/containers/storage';

/** One statement for each image whose bytes are not what they were recorded as, or that could not be looked at. */
export function contentConsistent(verification: ImageVerification): readonly Statement[] {
  const { contents } = verification;
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
  const unread = unreadImages(verification);
  if (compared === 0 && unread !== undefined) return [unread];
  if (compared === 0) {
    const message = 'no image on this node has a manifest or configuration with a digest';
    return [{ result: 'notapplicable', reason: 'no-images', message }];
  }
  const images = counted(contents.length, 'image');
  const matching = counted(
    compared,
    `manifest or configuration of ${images} matches its digest`,
    `manifests and configurations of ${images} match their digests`,
  );
  const message = `${matching}; layers are not read`;
  return [{ result: 'pass', message }];
}

/** A place that images, layers or artifacts come from besides the node's own store. */
interface AdditionalStore {
  readonly path: string;
  readonly kind: 'images' | 'layers' | 'artifacts';
}

/** One statement for each additional store of images, layers or artifacts; that of the vendor itself is no finding. */
export function additionalStores(verification: ImageVerification): readonly Statement[] {
  const { additional, folders, faults } = verification;
  const stores: readonly AdditionalStore[] = [
    ...additional.additionalImageStores.map((path) => ({ path, kind: 'images' as const })),
    ...additional.additionalLayerStores.map((path) => ({ path, kind: 'layers' as const })),
    ...additional.additionalArtifactStores.map((path) => ({ path, kind: 'artifacts' as const })),
  ];
  const unreadable = faults.find(({ reason }) => reason === 'config');
  if (stores.length > 0) return stores.map((store) => statementOnStore(store, verification));
  if (unreadable !== undefined) {
    return [{ result: 'unknown', reason: 'config', message: unreadable.message }];
  }
  if (!folders.some(({ isPresent }) => isPresent)) {
    return [{ result: 'notapplicable', reason: 'no-store', message: 'there is no image store' }];
  }
  return [{ result: 'pass', message: 'no additional store is configured' }];
}

function statementOnStore(
  { path, kind }: AdditionalStore,
  { folders }: ImageVerification,
): Statement {
  if (kind !== 'images') {
    const message = `an additional store of ${kind} that this node never pulled`;
    const subject = `${path} (${kind})`;
    return {
      subject,
      result: 'fail',
      reason: 'additional-store',
      message,
      observed: { path, kind },
    };
  }
  const images = folders
    .filter((folder) => folder.kind === 'additional' && folder.path.startsWith(`${path}/`))
    .reduce((sum, folder) => sum + folder.images, 0);
  const isVendor = path === VENDOR_STORE;
  return {
    subject: path,
    result: isVendor ? 'pass' : 'fail',
    message: isVendor
      ? `the vendor's own store, ${counted(images, 'image')}`
      : `an additional store, ${counted(images, 'image')} that this node never pulled`,
    observed: { path, images },
    ...(isVendor ? {} : { reason: 'additional-store' }),
  };
}

/**
 * One statement for each image that a policy does not accept and that was written to the store before the file of that
 * policy was. When an image was pulled is recorded nowhere: its manifest is written by each pull, and nothing later.
 */
export async function pulledBeforePolicy(
  host: Host,
  verification: ImageVerification,
): Promise<readonly Statement[]> {
  const { verdicts, folders, policyPath } = verification;
  const written = new Map<string, number>();
  for (const path of new Set([policyPath, ...verdicts.map(({ policy }) => policy)])) {
    const stat = await whereReadable(host.stat(path));
    if (stat !== undefined) written.set(path, stat.mtimeMs);
  }
  const judged = verdicts.filter(
    ({ verdict, policy }) => verdict !== 'unenforced' && written.has(policy),
  );
  const unread = unreadImages(verification);
  if (verdicts.length === 0 && unread !== undefined) return [unread];
  if (judged.length === 0) {
    const hasPolicy = written.has(policyPath);
    const message = hasPolicy ? 'no image here has to be signed' : `there is no ${policyPath}`;
    const reason = hasPolicy ? 'unenforced' : 'no-policy';
    return [{ result: 'notapplicable', reason, message }];
  }
  const statements: Statement[] = [];
  for (const image of judged.filter(({ verdict }) => verdict !== 'accepted')) {
    const paths = folders.map(({ path }) => `${path}/${image.imageId}/manifest`);
    const stats = await Promise.all(paths.map((path) => whereReadable(host.stat(path))));
    const storedMs = stats.find((stat) => stat !== undefined)?.mtimeMs;
    const policyMs = written.get(image.policy);
    if (storedMs === undefined || policyMs === undefined || storedMs >= policyMs) continue;
    const [stored, policy] = [rfc3339(storedMs), rfc3339(policyMs)];
    statements.push({
      subject: subjectOf(image, verification),
      result: image.verdict === 'rejected' ? 'fail' : 'unknown',
      reason: image.reason ?? image.verdict,
      message: `stored ${stored}, before ${image.policy} was written (${policy}), and not accepted by it`,
      observed: { imageId: image.imageId, stored, policy },
    });
  }
  if (statements.length > 0) return statements;
  const others = written.size - (written.has(policyPath) ? 1 : 0);
  const more =
    others === 0
      ? ''
      : `, nor one before any of ${counted(others, 'other policy', 'other policies')}`;
  const message = `no image stored before ${policyPath} was written is refused by it${more}`;
  return [{ result: 'pass', message }];
}
