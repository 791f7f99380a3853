import { sha256 } from '../../shared/canonical.ts';
import type { Observed } from '../../shared/findings.ts';
import type { CheckContext, Statement } from '../check.ts';
import {
  findPolicy,
  type PolicyContent,
  policyContent,
  policyPath,
  vendorPath,
} from '../selinux/policy.ts';
import { type PolicyStore, readPolicyStore } from '../selinux/policy-store.ts';
import { noPolicyToLookAt } from './selinux-policy-type.ts';

/** What a policy on disk is compared with. */
interface Reference {
  readonly path: string;
  readonly origin: 'vendor' | 'store';
  readonly content: PolicyContent;
}

const RULE_ID = 'selinux.policy-unmodified';
/** Local changes that are named; of more it is said how many. */
const MAX_NAMED = 10;

/** Whether the policy is as its packages, or the image of the operating system, brought it. */
export async function policyUnmodified(context: CheckContext): Promise<Statement> {
  const place = await findPolicy(context.host);
  const path = place && policyPath(place);
  const content = path === undefined ? undefined : await policyContent(context, path);
  if (place === undefined || path === undefined || content === undefined) {
    return await noPolicyToLookAt(context.host, place);
  }
  const store = await readPolicyStore(context, place.type);
  const reference = await referenceOf(context, path, store);
  if (reference === undefined && store === undefined) {
    const message = `neither ${vendorPath(path)} nor a store of ${place.type} is visible here to compare ${path} with`;
    return { result: 'error', reason: 'not-visible', message };
  }
  const isDifferent = reference !== undefined && reference.content.sha256 !== content.sha256;
  const changes = store?.changes ?? [];
  const observed = {
    policy: content.sha256,
    reference: reference?.origin ?? null,
    differs: isDifferent,
    local: namesOf(changes),
    localSha256: sha256(changes.map(({ name, sha256 }) => `${name} ${sha256}`).join('\n')),
  };
  if (!isDifferent && changes.length === 0) {
    const message =
      reference === undefined
        ? `${store?.folder} holds no local change; there is no copy to compare ${path} with`
        : `${path} equals ${reference.path} and no local change is in the store`;
    return { result: 'pass', message, observed };
  }
  const found = [
    ...(isDifferent ? [`${path} differs from ${reference.path}`] : []),
    ...(changes.length > 0 ? [`${store?.folder} holds ${observed.local}`] : []),
  ].join('; ');
  if (isAccepted(context.baseline?.observed[RULE_ID], observed)) {
    return { result: 'pass', message: `${found}, as the baseline accepted`, observed };
  }
  const freezes = reference?.origin === 'vendor' ? '; it will freeze on OS update' : '';
  return {
    result: 'fail',
    reason: isDifferent ? 'modified' : 'local-changes',
    message: `the policy was changed on this node: ${found}${freezes}`,
    observed,
    expected: { differs: false, local: '' },
  };
}

function namesOf(changes: PolicyStore['changes']): string {
  const names = changes.slice(0, MAX_NAMED).map(({ name }) => name);
  const more = changes.length - names.length;
  return more === 0 ? names.join(', ') : `${names.join(', ')} and ${more} more`;
}

/** The copy of the image of the operating system; without one, what the store was built to. */
async function referenceOf(
  context: CheckContext,
  path: string,
  store: PolicyStore | undefined,
): Promise<Reference | undefined> {
  const vendor = await policyContent(context, vendorPath(path));
  if (vendor !== undefined) return { path: vendorPath(path), origin: 'vendor', content: vendor };
  if (store === undefined) return undefined;
  const built = `${store.folder}/policy.kern`;
  const content = await policyContent(context, built);
  return content && { path: built, origin: 'store', content };
}

/** The same changes in the store and, where the policy differs, the same policy: a rebuild after an update is no change. */
function isAccepted(accepted: Observed | undefined, now: Observed): boolean {
  if (accepted === undefined) return false;
  const isSameStore =
    accepted['local'] === now['local'] && accepted['localSha256'] === now['localSha256'];
  return isSameStore && (now['differs'] === false || accepted['policy'] === now['policy']);
}
