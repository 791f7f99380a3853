import { CodedError } from '../../shared/errors.ts';
import type { Metrics } from '../metrics.ts';
import type { FailureLimit } from './failures.ts';
import { type Authority, mayAct, type Principal, type Role } from './principal.ts';

/** A request that is answered with an error status; the message is for the caller. */
export class Refusal extends CodedError<string> {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  constructor(status: number, code: string, message: string, retryAfterSeconds?: number) {
    super(code, message);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

const BEARER = /^Bearer ([A-Za-z0-9._~+/=-]{1,8192})$/i;

/** Finds out who is calling. Authorities are asked in order; what none of them knows is refused. */
export class Credentials implements Authority {
  readonly #authorities: readonly Authority[];
  readonly #failures: FailureLimit;
  readonly #metrics: Metrics;

  constructor(authorities: readonly Authority[], failures: FailureLimit, metrics: Metrics) {
    this.#authorities = authorities;
    this.#failures = failures;
    this.#metrics = metrics;
  }

  /** Who sent an Authorization header from a source address. Throws `Refusal` 401, or 429 after many failures. */
  async identify(authorization: string | undefined, source: string): Promise<Principal> {
    const [, credential] = BEARER.exec(authorization ?? '') ?? [];
    const caller = credential === undefined ? undefined : await this.authenticate(credential);
    if (caller !== undefined) return caller;
    throw credential === undefined
      ? this.failed('credentialMissing', 'expected "Authorization: Bearer <token>"', source)
      : this.failed('credentialUnknown', 'the token is unknown, expired or revoked', source);
  }

  /** Counts an attempt that failed; what to answer: 401, or 429 after many. */
  failed(code: string, message: string, source: string): Refusal {
    this.#metrics.authFailures.inc({ reason: code });
    const waitSeconds = this.#failures.fail(source);
    if (waitSeconds === undefined) return new Refusal(401, code, message);
    return new Refusal(429, 'tooManyFailures', 'too many failed attempts', waitSeconds);
  }

  isRevoked(credentialId: string): boolean {
    return this.#authorities.some((authority) => authority.isRevoked(credentialId));
  }

  async authenticate(credential: string): Promise<Principal | undefined> {
    for (const authority of this.#authorities) {
      const principal = await authority.authenticate(credential);
      if (principal !== undefined) return principal;
    }
    return undefined;
  }
}

/** Throws `Refusal` 403 unless the caller is a person or script with at least this role. */
export function assertRole(caller: Principal, needed: Role): void {
  if (caller.kind !== 'user' || !mayAct(caller.role, needed)) {
    throw new Refusal(403, 'forbidden', `this needs the role ${needed}`);
  }
}
