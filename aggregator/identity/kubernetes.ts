import type { Clock } from '../../shared/clock.ts';
import type { Logger } from '../../shared/log.ts';
import { type IssuerKeyring, IssuerKeysError } from './issuer-keys.ts';
import { KubernetesApiError } from './kubernetes-api.ts';
import type { BoundNode, PodBinding } from './pod-binding.ts';
import type { Authority, Principal } from './principal.ts';
import {
  type ServiceAccountIdentity,
  TokenError,
  verifyServiceAccountToken,
} from './service-account.ts';

export interface KubernetesRules {
  /** Private to this aggregator; the DaemonSet asks the kubelet for a token with it. */
  readonly audience: string;
  /** `namespace/name` of the account agents run under. */
  readonly serviceAccount: string;
  /** Pool of the nodes that come this way. */
  readonly pool: string;
}

/** Every JWT begins so: `{"` in base64url. Anything else is another authority's. */
const JWT_START = 'eyJ';

/** Agents of a cluster's DaemonSet: a projected ServiceAccount token, verified offline, is its node's identity. */
export class KubernetesAuthority implements Authority {
  readonly #keyring: IssuerKeyring;
  readonly #rules: KubernetesRules;
  readonly #clock: Clock;
  readonly #log: Logger;

  readonly #binding: PodBinding | undefined;

  /** With `binding` a token that names no node is asked for by its pod. */
  constructor(
    keyring: IssuerKeyring,
    rules: KubernetesRules,
    clock: Clock,
    log: Logger,
    binding?: PodBinding,
  ) {
    this.#binding = binding;
    this.#keyring = keyring;
    this.#rules = rules;
    this.#clock = clock;
    this.#log = log;
  }

  async authenticate(credential: string): Promise<Principal | undefined> {
    if (!credential.startsWith(JWT_START)) return undefined;
    try {
      const identity = await this.#verify(credential);
      const { podUid, expiresAtMs } = identity;
      const { uid, name } = await this.#nodeOf(identity, credential);
      return {
        kind: 'agent',
        node: { uid, name, pool: this.#rules.pool },
        expiresAtMs,
        credentialId: `pod:${podUid}`,
      };
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.#log.warn({ code: error.code, reason: error.message }, 'ServiceAccount token refused');
      return undefined;
    }
  }

  /** That its pod was deleted cannot be seen offline: the token's end, an hour at most, is the only one. */
  isRevoked(): boolean {
    return false;
  }

  async #nodeOf({ node, podUid }: ServiceAccountIdentity, token: string): Promise<BoundNode> {
    if (node !== undefined) return node;
    const found = await this.#binding?.nodeOf(token, podUid);
    if (found !== undefined) return found;
    const why =
      this.#binding === undefined
        ? 'missing; clusters before Kubernetes 1.30 do not bind a token to its node, see kubernetes.tokenReview'
        : 'missing, and the API server knows no such token of a pod on a node';
    throw new TokenError('ERR_TOKEN_NO_NODE', `claim kubernetes.io.node: ${why}`);
  }

  /** The cluster may have rotated its keys since we asked: a token of an unknown key is worth one more look. */
  async #verify(token: string): Promise<ServiceAccountIdentity> {
    try {
      return await this.#verifyOnce(token);
    } catch (error) {
      if (!(error instanceof TokenError) || error.code !== 'ERR_TOKEN_UNKNOWN_KEY') throw error;
      if (!(await this.#keyring.refresh())) throw error;
      return await this.#verifyOnce(token);
    }
  }

  async #verifyOnce(token: string): Promise<ServiceAccountIdentity> {
    const { issuer, keys } = await this.#keyring.keys();
    const rules = { ...this.#rules, issuer };
    return await verifyServiceAccountToken(token, keys, rules, this.#clock.nowMs());
  }
}

function isExpected(error: unknown): error is TokenError | IssuerKeysError | KubernetesApiError {
  return (
    error instanceof TokenError ||
    error instanceof IssuerKeysError ||
    error instanceof KubernetesApiError
  );
}
