import { decodeBase64 } from '../shared/trust/base64.ts';
import type { KeyRole } from '../shared/trust/key-types.ts';
import type { Policy, PolicyRequirement } from '../shared/trust/policy-types.ts';
import type { Host } from './host.ts';
import { readTrustFile, type TrustContent } from './trust-files.ts';

/** Key material that a requirement names: a file, or bytes in the policy itself. */
export interface KeyMaterial {
  readonly role: KeyRole;
  readonly path?: string;
  /** Absent for a path. */
  readonly data?: Uint8Array;
}

/** Everything that decides by which keys a requirement is met. */
export function keyMaterialOf(requirement: PolicyRequirement): readonly KeyMaterial[] {
  switch (requirement.type) {
    case 'insecureAcceptAnything':
    case 'reject':
    case 'signedBaseLayer':
      return [];
    case 'signedBy':
      return materialIn('openpgp', requirement, ['keyPath', 'keyPaths', 'keyData']);
    case 'sigstoreSigned': {
      const { fulcio, pki } = requirement;
      return [
        ...materialIn('sigstore', requirement, SIGSTORE_MEMBERS),
        ...materialIn('authority', fulcio ?? {}, ['caPath', 'caData']),
        ...materialIn('authority', pki ?? {}, PKI_MEMBERS),
      ];
    }
  }
}

const SIGSTORE_MEMBERS = [
  ...['keyPath', 'keyPaths', 'keyData', 'keyDatas', 'rekorPublicKeyPath', 'rekorPublicKeyPaths'],
  ...['rekorPublicKeyData', 'rekorPublicKeyDatas'],
];
const PKI_MEMBERS = [
  ...['caRootsPath', 'caRootsData', 'caIntermediatesPath', 'caIntermediatesData'],
];

function materialIn(
  role: KeyRole,
  members: object,
  names: readonly string[],
): readonly KeyMaterial[] {
  const values = new Map<string, unknown>(Object.entries(members));
  return names.flatMap((name) => {
    const texts = [values.get(name)].flat().filter((one): one is string => typeof one === 'string');
    return texts.filter(Boolean).map((text): KeyMaterial => {
      if (/Paths?$/.test(name)) return { role, path: text };
      // The parser of policies takes no text that is no base64.
      return { role, data: decodeBase64(text) ?? new Uint8Array() };
    });
  });
}

/** Every path of key material that a requirement names, as the node sees it. */
export function keyPathsOf(requirement: PolicyRequirement): readonly string[] {
  return keyMaterialOf(requirement).flatMap(({ path }) => (path === undefined ? [] : [path]));
}

/** Every requirement of a policy: of the default and of all scopes. */
export function requirementsOf(policy: Policy): readonly PolicyRequirement[] {
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
