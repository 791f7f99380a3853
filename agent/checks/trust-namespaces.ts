import { counted } from '../../shared/counted.ts';
import { diffPolicies } from '../../shared/trust/policy-diff.ts';
import type { Policy } from '../../shared/trust/policy-types.ts';
import { isFileError, type Statement } from '../check.ts';
import type { DesiredState } from '../desired/desired.ts';
import { inspectFile } from '../files.ts';
import { type Host, isReadingReason } from '../host.ts';
import { governing, type ReadPolicy } from '../trust-policies.ts';
import { driftOf } from './drift.ts';
import { noPolicy } from './trust-strictness.ts';

/**
 * What the rule `trust.namespace-policies` says of each policy of a namespace: it parses, accepts nothing that the
 * policy of CRI-O refuses, and somebody manages it. CRI-O takes it in place of its own for the pods of the namespace.
 */
export async function namespacePolicies(
  host: Host,
  policies: readonly ReadPolicy[],
  desired: DesiredState,
  signal: AbortSignal,
): Promise<readonly Statement[]> {
  const namespaced = policies.filter(({ role }) => role === 'namespace');
  if (namespaced.length === 0) {
    const message = 'no namespace has a policy of its own';
    return [{ result: 'notapplicable', reason: 'no-namespace-policies', message }];
  }
  const system = governing(policies).at(-1);
  const statements: Statement[] = [];
  for (const { path, policy, problem } of namespaced) {
    signal.throwIfAborted();
    const statement =
      policy === undefined
        ? refused(path, problem)
        : ((system && looser(path, policy, system)) ?? (await managed(host, desired, path)));
    statements.push({ subject: path, ...statement });
  }
  return statements;
}

function refused(path: string, problem: ReadPolicy['problem']): Statement {
  const { reason = 'io', message = path, line, column } = problem ?? {};
  const observed = { path, ...(line && { line }), ...(column && { column }) };
  if (isReadingReason(reason)) return { result: 'error', reason, message, observed };
  const what = `${message}; every pull of the namespace fails`;
  return { result: 'fail', reason: 'invalid', message: what, observed };
}

function looser(path: string, policy: Policy, system: ReadPolicy): Statement | undefined {
  if (system.policy === undefined) return noPolicy(system.path);
  const weakened = diffPolicies({ policy: system.policy }, { policy }).filter(
    ({ effect }) => effect === 'weakened',
  );
  const [first] = weakened;
  if (first === undefined) return undefined;
  const more = weakened.length > 1 ? ` (and ${counted(weakened.length - 1, 'more scope')})` : '';
  const message = `${path} is looser than ${system.path}: ${first.reason}${more}`;
  const observed = { scope: first.scope ?? 'default', looser: weakened.length };
  return { result: 'fail', reason: 'looser', message, observed };
}

async function managed(host: Host, desired: DesiredState, path: string): Promise<Statement> {
  const strict = `${path} is valid and accepts nothing that the system’s policy refuses`;
  try {
    desired.file(path);
  } catch (error) {
    if (!isFileError(error)) throw error;
    const reason = error.reason ?? 'parse';
    return { result: 'error', reason, message: error.message, observed: { path: error.path } };
  }
  const file = await inspectFile(host, desired, path);
  const drift = driftOf(file);
  if (drift !== undefined && drift.result !== 'pass') return drift;
  const observed = { sha256: file.sha256 };
  if (drift !== undefined || !desired.isKnown) return { result: 'pass', message: strict, observed };
  const message = `${strict}, but neither MachineConfig nor baseline knows it`;
  return { result: 'fail', reason: 'unmanaged', message, observed };
}
