import { counted } from '../../shared/counted.ts';
import { PolicyError, parsePolicy } from '../../shared/trust/policy.ts';
import { diffPolicies, type PolicyChange } from '../../shared/trust/policy-diff.ts';
import type { Statement } from '../check.ts';
import type { DesiredState } from '../desired/desired.ts';
import { inspectFile } from '../files.ts';
import type { Host } from '../host.ts';
import { POLICY } from '../trust-places.ts';
import { driftOf } from './drift.ts';

/** What the rule `trust.policy-managed` says: the policy is the one rolled out, or what its difference means. */
export async function policyManaged(host: Host, desired: DesiredState): Promise<Statement> {
  if (desired.problem !== undefined) throw desired.problem;
  // A content of the MachineConfig that does not decode is an error that names it.
  const want = desired.file(POLICY);
  const file = await inspectFile(host, desired, POLICY);
  const drift = driftOf(file);
  if (drift === undefined) {
    const message = `no MachineConfig and no baseline says what ${POLICY} should be`;
    const observed = { sha256: file.sha256 };
    return { result: 'notchecked', reason: 'no-oracle', message, observed };
  }
  if (drift.reason !== 'content') return drift;
  return weigh(drift, want?.bytes, await host.readBytes(POLICY));
}

/** Changes that a message names; the rest is counted. */
const MAX_NAMED = 5;

/** A changed policy with what the change means, where both sides can be read as policies. */
function weigh(
  drift: Statement,
  old: Uint8Array | undefined,
  now: Uint8Array | undefined,
): Statement {
  const changes = changesBetween(old, now);
  if (changes === undefined) return drift;
  const effect = changes[0]?.effect ?? 'neutral';
  const count = { weakened: 0, strengthened: 0, neutral: 0 };
  for (const change of changes) count[change.effect]++;
  const named = changes.slice(0, MAX_NAMED).map((change) => `${change.effect}: ${change.reason}`);
  const more =
    changes.length > MAX_NAMED
      ? ` (and ${counted(changes.length - MAX_NAMED, 'more change')})`
      : '';
  const what = changes.length === 0 ? 'it means the same' : `${named.join('; ')}${more}`;
  return {
    ...drift,
    ...(effect === 'neutral' ? { severity: 'low' as const } : {}),
    message: `${drift.message}; ${what}`,
    observed: { ...drift.observed, effect, ...count },
  };
}

function changesBetween(
  old: Uint8Array | undefined,
  now: Uint8Array | undefined,
): readonly PolicyChange[] | undefined {
  if (old === undefined || now === undefined) return undefined;
  try {
    return diffPolicies({ policy: parsePolicy(old) }, { policy: parsePolicy(now) });
  } catch (error) {
    // Another rule says which of them is no policy.
    if (error instanceof PolicyError) return undefined;
    throw error;
  }
}
