import { parsePolicy } from '../shared/trust/policy.ts';
import type { Policy } from '../shared/trust/policy-types.ts';
import type { Host } from './host.ts';
import type { NodeTrust } from './trust.ts';
import { problemOf, readTrustFile, type TrustProblem } from './trust-files.ts';

/** One policy that decides on this node. `policy` or `problem`, never both. */
export interface ReadPolicy {
  readonly path: string;
  /** `system`: of every tool; `crio`: in its place for CRI-O alone; `namespace`: for the pods of one namespace. */
  readonly role: 'system' | 'crio' | 'namespace';
  readonly policy?: Policy;
  readonly problem?: TrustProblem;
}

/** Every policy that decides on this node, the system's first. Never throws for a state of the node. */
export async function readPolicies(
  host: Host,
  { policy: system, crio }: NodeTrust,
): Promise<readonly [ReadPolicy, ...ReadPolicy[]]> {
  const { path, policy, problem } = system;
  const own = crio.signaturePolicy;
  const namespaces = crio.namespacePolicies.map(async (file) =>
    file.problem === undefined
      ? await readPolicy(host, file.path, 'namespace')
      : { path: file.path, role: 'namespace' as const, problem: file.problem },
  );
  return [
    { path, role: 'system', ...(policy && { policy }), ...(problem && { problem }) },
    ...(own === undefined ? [] : [await readPolicy(host, own.path, 'crio')]),
    ...(await Promise.all(namespaces)),
  ];
}

async function readPolicy(host: Host, path: string, role: ReadPolicy['role']): Promise<ReadPolicy> {
  const { bytes, problem } = await readTrustFile(host, path);
  if (bytes === undefined) return { path, role, ...(problem && { problem }) };
  try {
    return { path, role, policy: parsePolicy(bytes) };
  } catch (error) {
    return { path, role, problem: problemOf(error, path) };
  }
}

/** Those that decide about a pull by themselves: policies of namespaces are added to one of them. */
export function governing(policies: readonly ReadPolicy[]): readonly ReadPolicy[] {
  return policies.filter(({ role }) => role !== 'namespace');
}
