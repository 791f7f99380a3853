import type { Clock } from '../../shared/clock.ts';
import type { Logger } from '../../shared/log.ts';
import { type IssuerKeyring, IssuerKeysError } from './issuer-keys.ts';
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

  constructor(keyring: IssuerKeyring, rules: KubernetesRules, clock: Clock, log: Logger) {
    this.#keyring = keyring;
    this.#rules = rules;
    this.#clock = clock;
    this.#log = log;
  }

  async authenticate(credential: string): Promise<Principal | undefined> {
    if (!credential.startsWith(JWT_START)) return undefined;
    try {
      const { nodeUid, nodeName, podUid, expiresAtMs } = await this.#verify(credential);
      return {
        kind: 'agent',
        node: { uid: nodeUid, name: nodeName, pool: this.#rules.pool },
        expiresAtMs,
        credentialId: `pod:${podUid}`,
      };
    } catch (error) {
      if (!(error instanceof TokenError || error instanceof IssuerKeysError)) throw error;
      this.#log.warn({ code: error.code, reason: error.message }, 'ServiceAccount token refused');
      return undefined;
    }
  }

  /** That its pod was deleted cannot be seen offline: the token's end, an hour at most, is the only one. */
  isRevoked(): boolean {
    return false;
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
