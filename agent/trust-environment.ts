import { readCrioService } from './crio-service.ts';
import type { Host } from './host.ts';
import { CRIO_SERVICE } from './service-environment.ts';

/**
 * What the environment of CRI-O's service, or a flag in place of a variable, says of where trust is configured: cri-o
 * internal/criocli/criocli.go, and containers/image. Who types `podman` in a shell has another environment, which no file of
 * the node tells.
 */
export interface TrustEnvironment {
  /** `HOME`: below it the libraries look before /etc. Without it they take the home that passwd names. */
  readonly home?: string;
  /** `CONTAINER_SIGNATURE_POLICY`, in place of `signature_policy` of crio.conf; '' sets that back to none. */
  readonly signaturePolicy?: string;
  /** `CONTAINER_SIGNATURE_POLICY_DIR`, in place of `signature_policy_dir`. */
  readonly signaturePolicyFolder?: string;
  /** `CONTAINERS_POLICY_JSON`: read instead of every other policy.json, by libraries of April 2026 and later alone. */
  readonly policyJson?: string;
  /** `XDG_CONFIG_HOME`: in place of `$HOME/.config` for policy.json, by the same libraries. */
  readonly configHome?: string;
  /** Why it is not known what one of these variables says. */
  readonly undecided: readonly string[];
}

const NAMES = [
  'HOME',
  'CONTAINER_SIGNATURE_POLICY',
  'CONTAINER_SIGNATURE_POLICY_DIR',
  'CONTAINERS_POLICY_JSON',
  'XDG_CONFIG_HOME',
] as const;

/** Reads it from the unit of CRI-O. Never throws for a state of the node. */
export async function readTrustEnvironment(host: Host): Promise<TrustEnvironment> {
  const { variables, undecided, unread } = await readCrioService(host);
  const path = (name: (typeof NAMES)[number]): string | undefined => {
    const value = variables.get(name);
    return value?.startsWith('/') === true ? value : undefined;
  };
  const [home, folder] = [path('HOME'), path('CONTAINER_SIGNATURE_POLICY_DIR')];
  const signaturePolicy = variables.get('CONTAINER_SIGNATURE_POLICY');
  const [policyJson, configHome] = [path('CONTAINERS_POLICY_JSON'), path('XDG_CONFIG_HOME')];
  return {
    ...(home === undefined ? {} : { home }),
    ...(signaturePolicy === undefined ? {} : { signaturePolicy }),
    ...(folder === undefined ? {} : { signaturePolicyFolder: folder }),
    ...(policyJson === undefined ? {} : { policyJson }),
    ...(configHome === undefined ? {} : { configHome }),
    undecided: [
      ...(unread === undefined ? [] : [unread.message]),
      ...NAMES.flatMap((name) => undecided.get(name) ?? []),
    ].map((why) => `environment of ${CRIO_SERVICE}: ${why}`),
  };
}
