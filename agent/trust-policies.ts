import type { Policy } from '../shared/trust/policy-types.ts';
import type { NodeTrust, PolicyFile } from './trust.ts';
import type { TrustProblem } from './trust-files.ts';

/** One policy that decides on this node. `policy` or `problem`, never both. */
export interface ReadPolicy {
  readonly path: string;
  /** `system`: of every tool; `crio`: in its place for CRI-O alone; `namespace`: for the pods of one namespace. */
  readonly role: 'system' | 'crio' | 'namespace';
  readonly policy?: Policy;
  readonly problem?: TrustProblem;
}

/** Every policy that decides on this node, the system's first. */
export function policiesIn({
  policy,
  crio,
}: Pick<NodeTrust, 'policy' | 'crio'>): readonly [ReadPolicy, ...ReadPolicy[]] {
  const own = crio.signaturePolicy;
  return [
    toRead(policy, 'system'),
    ...(own === undefined ? [] : [toRead(own, 'crio')]),
    ...crio.namespacePolicies.map((file) => toRead(file, 'namespace')),
  ];
}

function toRead({ path, policy, problem }: PolicyFile, role: ReadPolicy['role']): ReadPolicy {
  return { path, role, ...(policy && { policy }), ...(problem && { problem }) };
}

/** Those that decide about a pull by themselves: policies of namespaces are added to one of them. */
export function governing(policies: readonly ReadPolicy[]): readonly ReadPolicy[] {
  return policies.filter(({ role }) => role !== 'namespace');
}
