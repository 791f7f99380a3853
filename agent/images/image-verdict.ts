import { sha256 } from '../../shared/canonical.ts';
import type { ImageVerdict } from '../../shared/images.ts';
import type { PolicyScope } from '../../shared/trust/policy-types.ts';
import { isUnenforced } from '../../shared/trust/verdict.ts';
import type { PolicyVerdict } from '../../shared/trust/verdict-types.ts';
import { scopeText } from '../../shared/trust-text.ts';
import type { JudgedImage } from './policy-judges.ts';
import type { Trouble } from './trouble.ts';

/** What one source made of an image; source `none` where no source had to be asked. */
export interface Attempt {
  readonly source: string;
  /** Signatures found there. */
  readonly count: number;
  readonly outcome: PolicyVerdict | Trouble;
  /** Why there may be more signatures than were found. */
  readonly gap?: Trouble;
  /** When it was judged, and by which key the verdict is known. */
  readonly judged?: { readonly key: string; readonly atMs: number };
  /** Files outside of the store that were looked for, whether they were there or not. */
  readonly looked?: readonly string[];
}

/** True when no further source can change the answer. */
export function isFinal({ source, outcome }: Attempt): boolean {
  if (source === 'none') return true;
  return 'allowed' in outcome ? outcome.allowed : outcome.verdict === 'rejected';
}

/** The verdict on an image from all that was tried. */
export function toImageVerdict(
  { image, name, judge }: JudgedImage,
  scope: PolicyScope | undefined,
  attempts: readonly Attempt[],
): ImageVerdict {
  const { file, namespace, users } = judge;
  const decisive = decisiveOf(attempts);
  return {
    imageId: image.id,
    reference: shown(name),
    digest: image.digest ?? image.dataDigests.get('manifest') ?? '',
    policy: file.path,
    ...(namespace === undefined ? {} : { namespace }),
    ...statementOf(decisive),
    scope: scope === undefined ? '' : scopeText(scope),
    requirements: scope?.requirements ?? [],
    pods: users.get(image.id) ?? [],
  };
}

type Statement = Pick<
  ImageVerdict,
  'verdict' | 'reason' | 'message' | 'signedBy' | 'signatures' | 'source'
>;

/**
 * The first attempt that ends the matter; else what the store's own signatures come to; else that something could
 * not be looked at; else the first refusal that speaks of a signature.
 */
function decisiveOf(attempts: readonly Attempt[]): Attempt {
  return (
    attempts.find(isFinal) ??
    attempts.find(
      ({ source, count, gap }) => source === 'store' && count > 0 && gap === undefined,
    ) ??
    attempts.map(doubtOf).find((doubt) => doubt !== undefined) ??
    attempts.find(({ count }) => count > 0) ??
    attempts[0] ??
    NOT_ASKED
  );
}

const NOT_ASKED: Attempt = {
  source: 'none',
  count: 0,
  outcome: {
    verdict: 'unknown',
    reason: 'source-not-enabled',
    message: 'no source of signatures was asked',
  },
};

/** The attempt as one that could not be finished, when it is one. */
function doubtOf(attempt: Attempt): Attempt | undefined {
  const { outcome, gap } = attempt;
  if (!('allowed' in outcome)) return attempt;
  return gap === undefined ? undefined : { ...attempt, outcome: gap };
}

function statementOf({ source, count, outcome }: Attempt): Statement {
  const place = count > 0 ? source : 'none';
  if (!('allowed' in outcome)) {
    return { ...outcome, signedBy: [], signatures: [], source: place };
  }
  const { allowed, reason, message, signedBy, requirements } = outcome;
  const signatures = requirements.flatMap((requirement) => requirement.signatures);
  return {
    verdict: !allowed ? 'rejected' : isUnenforced(outcome) ? 'unenforced' : 'accepted',
    ...(allowed || reason === undefined ? {} : { reason }),
    ...(allowed || message === undefined ? {} : { message }),
    signedBy,
    signatures,
    source: place,
  };
}

/** No reference is longer than 600 characters; of what is longer the digest tells one from the other. */
const MAX_SHOWN = 600;

function shown(name: string | undefined): string {
  if (name === undefined) return '<none>';
  return name.length <= MAX_SHOWN ? name : `${name.slice(0, 80).toWellFormed()}… (${sha256(name)})`;
}
