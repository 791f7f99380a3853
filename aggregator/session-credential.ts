import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/log.ts';
import { CLOSE } from '../shared/protocol.ts';
import { boundBy } from './identity/credentials.ts';
import type { AgentPrincipal, SessionAuthority } from './identity/principal.ts';

/** How a credential stopped to hold, as the close frame says it. */
export interface CredentialEnd {
  readonly code: number;
  readonly why: string;
}

export interface CredentialContext {
  readonly authority: SessionAuthority;
  readonly clock: Clock;
  readonly log: Logger;
}

/** By whose authority a connection is open. Expiry and revocation end that at once, not at the next connect. */
export class SessionCredential {
  readonly #context: CredentialContext;
  #principal: AgentPrincipal;
  #renewed: Promise<boolean> = Promise.resolve(true);

  constructor(principal: AgentPrincipal, context: CredentialContext) {
    this.#principal = principal;
    this.#context = context;
  }

  get expiresAtMs(): number | null {
    return this.#principal.expiresAtMs;
  }

  /** Why it no longer holds; undefined while it does. */
  end(): CredentialEnd | undefined {
    const { clock, authority } = this.#context;
    const { expiresAtMs } = this.#principal;
    if (expiresAtMs !== null && clock.nowMs() >= expiresAtMs) {
      return { code: CLOSE.credentialExpired, why: 'credential expired' };
    }
    if (!authority.isRevoked(this.#principal)) return undefined;
    return { code: CLOSE.revoked, why: 'credential revoked' };
  }

  /**
   * A fresh credential of the same node takes the place of the old one; any other changes nothing and resolves with false.
   * Those that come one after another are looked at in turn: the last one counts. Never rejects.
   */
  renew(token: string): Promise<boolean> {
    this.#renewed = this.#renewed.then(() => this.#replace(token));
    return this.#renewed;
  }

  async #replace(token: string): Promise<boolean> {
    try {
      const principal = await this.#context.authority.authenticate(token);
      if (principal?.kind !== 'agent' || principal.node.uid !== this.#principal.node.uid)
        return false;
      this.#principal = boundBy(principal, this.#principal);
      return true;
    } catch (error) {
      this.#context.log.error({ err: error }, 'credential could not be checked');
      return false;
    }
  }
}
