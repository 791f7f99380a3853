import type { Policy, PolicyRequirement } from '../shared/trust/policy-types.ts';
import type { Host } from './host.ts';
import { readTrustFile, type TrustContent } from './trust-files.ts';

/** Every path of key material that a requirement names, as the node sees it. */
export function keyPathsOf(requirement: PolicyRequirement): readonly string[] {
  switch (requirement.type) {
    case 'insecureAcceptAnything':
    case 'reject':
    case 'signedBaseLayer':
      return [];
    case 'signedBy':
      return present(requirement.keyPath, ...(requirement.keyPaths ?? []));
    case 'sigstoreSigned':
      return present(
        requirement.keyPath,
        ...(requirement.keyPaths ?? []),
        requirement.fulcio?.caPath,
        requirement.pki?.caRootsPath,
        requirement.pki?.caIntermediatesPath,
        requirement.rekorPublicKeyPath,
        ...(requirement.rekorPublicKeyPaths ?? []),
      );
  }
}

/** Every requirement of a policy: of the default and of all scopes. */
function requirementsOf(policy: Policy): readonly PolicyRequirement[] {
  const scopes = [...policy.transports.values()].flatMap((scopes) => [...scopes.values()]);
  return [policy.default, ...scopes].flat();
}

/** Every path of key material that a policy names, each once. */
export function keyPathsIn(policy: Policy): ReadonlySet<string> {
  return new Set(requirementsOf(policy).flatMap(keyPathsOf));
}

/** The key files of policies by path, each read once so that every image is judged by the same bytes. */
export async function readKeyFiles(
  host: Host,
  policies: readonly Policy[],
): Promise<ReadonlyMap<string, TrustContent>> {
  const files = new Map<string, TrustContent>();
  for (const path of new Set(policies.flatMap((policy) => [...keyPathsIn(policy)]))) {
    files.set(path, await readTrustFile(host, path));
  }
  return files;
}

function present(...paths: readonly (string | undefined)[]): readonly string[] {
  return paths.filter((path): path is string => path !== undefined && path !== '');
}
