import type { CheckContext, Statement } from '../check.ts';
import { findPolicy, policyContent, policyPath, vendorPath } from '../selinux/policy.ts';
import type { PolicyFile } from '../selinux/policy-file.ts';
import { locallyPermissive, readPolicyStore } from '../selinux/policy-store.ts';
import { noPolicyToLookAt } from './selinux-policy-type.ts';

const RULE_ID = 'selinux.permissive-domains';
/** The first version of policies that can say it of a type. */
const FIRST_VERSION = 23;

/** Whether a domain is permissive that the vendor ships enforced. */
export async function permissiveDomains(context: CheckContext): Promise<Statement> {
  const place = await findPolicy(context.host);
  const path = place && policyPath(place);
  const content = path === undefined ? undefined : await policyContent(context, path);
  if (place === undefined || path === undefined || content === undefined) {
    return await noPolicyToLookAt(context.host, place);
  }
  const { policy, problem } = content;
  if (policy === undefined) {
    return { result: 'error', reason: 'parse', message: `${path}: ${problem}`, observed: { path } };
  }
  const { permissive } = policy;
  if (permissive === undefined) return unsaid(path, policy);
  const observed = { permissive: permissive.join(' ') };
  if (permissive.length === 0) {
    return { result: 'pass', message: `no domain of ${path} is permissive`, observed };
  }
  const accepted = `${context.baseline?.observed[RULE_ID]?.['permissive'] ?? ''}`.split(' ');
  const open = permissive.filter((domain) => !accepted.includes(domain));
  if (open.length === 0) {
    const message = `permissive as the baseline accepted: ${observed.permissive}`;
    return { result: 'pass', message, observed };
  }
  return await judge(context, path, place.type, open, observed);
}

type Observed = { readonly permissive: string };

/** Of the domains that nobody accepted: those are right that the vendor's own policy has. */
async function judge(
  context: CheckContext,
  path: string,
  type: string,
  open: readonly string[],
  observed: Observed,
): Promise<Statement> {
  const vendors = (await policyContent(context, vendorPath(path)))?.policy?.permissive;
  if (vendors !== undefined) {
    const extra = open.filter((domain) => !vendors.includes(domain));
    if (extra.length > 0) return extraDomains(extra, `${vendorPath(path)} enforces`, observed);
    const message = `permissive as in ${vendorPath(path)}: ${open.join(', ')}`;
    return { result: 'pass', message, observed };
  }
  const store = await readPolicyStore(context, type);
  const local = open.filter((domain) => store && locallyPermissive(store).includes(domain));
  if (local.length > 0) return extraDomains(local, 'a local module made so', observed);
  const built = store && (await policyContent(context, `${store.folder}/policy.kern`));
  const isOfPackages = built !== undefined && store?.changes.length === 0;
  if (isOfPackages && built.policy?.permissive?.join(' ') === observed.permissive) {
    const message = `permissive by the packages of the policy: ${open.join(', ')}`;
    return { result: 'pass', message, observed };
  }
  const message = `permissive: ${open.join(', ')}; whether the vendor has them so cannot be told here`;
  return { result: 'unknown', reason: 'no-oracle', message, observed };
}

function extraDomains(domains: readonly string[], why: string, observed: Observed): Statement {
  const message = `not enforced, though the node may be: ${domains.join(', ')} (${why})`;
  return {
    result: 'fail',
    reason: 'permissive-domain',
    message,
    observed: { ...observed, extra: domains.join(' ') },
    expected: { extra: '' },
  };
}

function unsaid(path: string, { version }: PolicyFile): Statement {
  const observed = { version };
  if (version < FIRST_VERSION) {
    const message = `${path} is of version ${version}, which knows no permissive domains`;
    return { result: 'notapplicable', reason: 'policy-version', message, observed };
  }
  const message = `${path} is of version ${version}, which this agent cannot read`;
  return { result: 'unknown', reason: 'policy-version', message, observed };
}
