import type { X509Certificate } from 'node:crypto';
import { CodedError } from '../../shared/errors.ts';
import { CLOSE } from '../../shared/protocol.ts';
import type { Metrics } from '../metrics.ts';
import type { DenyList } from './deny-list.ts';
import type { FailureLog } from './failure-log.ts';
import type { FailureLimit } from './failures.ts';
import type { NodeCertificates } from './node-certificates.ts';
import {
  type AgentPrincipal,
  type Authority,
  mayAct,
  type Principal,
  type Role,
  type SessionAuthority,
} from './principal.ts';

/** A request that is answered with an error status; the message is for the caller. */
export class Refusal extends CodedError<string> {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  /** What an agent is told in place of the status, after the upgrade: what it may do next depends on it. */
  readonly closeCode: number | undefined;
  constructor(
    status: number,
    code: string,
    message: string,
    retryAfterSeconds?: number,
    closeCode?: number,
  ) {
    super(code, message);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
    this.closeCode = closeCode;
  }
}

/** What a request brought along; a certificate is there when TLS proved that the caller has its key. */
export interface Presented {
  readonly authorization: string | undefined;
  readonly certificate?: X509Certificate | undefined;
}

export interface CredentialsOptions {
  readonly authorities: readonly Authority[];
  readonly certificates: NodeCertificates;
  readonly denied: DenyList;
  readonly failures: FailureLimit;
  readonly failureLog: FailureLog;
  readonly metrics: Metrics;
}

const BEARER = /^Bearer ([A-Za-z0-9._~+/=-]{1,8192})$/i;

/**
 * Finds out who is calling. Authorities are asked in order; what none of them knows is refused. A certificate and a
 * token on one connection must be of the same node, and authority ends with the first of them.
 */
export class Credentials implements SessionAuthority {
  readonly #options: CredentialsOptions;

  constructor(options: CredentialsOptions) {
    this.#options = options;
  }

  /** Who sent a request from a source address. Throws `Refusal` 401, or 429 after many failures. */
  async identify({ authorization, certificate }: Presented, source: string): Promise<Principal> {
    const holder = await this.#holderOf(certificate, source);
    const [, credential] = BEARER.exec(authorization ?? '') ?? [];
    if (credential === undefined) {
      if (holder !== undefined) return holder;
      const message = 'expected "Authorization: Bearer <token>"';
      throw this.failed('credentialMissing', message, source);
    }
    const caller = await this.authenticate(credential);
    if (caller === undefined) {
      throw this.failed('credentialUnknown', 'the token is unknown, expired or revoked', source);
    }
    if (caller.kind === 'agent' && this.isRevoked(caller)) {
      throw this.failed('revoked', 'the node was revoked', source, CLOSE.revoked);
    }
    return holder === undefined ? caller : this.#both(holder, caller, source);
  }

  /** Counts and logs an attempt that failed; what to answer: 401, or 429 after many. */
  failed(code: string, message: string, source: string, closeCode?: number): Refusal {
    const { metrics, failures, failureLog } = this.#options;
    metrics.authFailures.inc({ reason: code });
    failureLog.note(source, code);
    const waitSeconds = failures.fail(source);
    if (waitSeconds === undefined) return new Refusal(401, code, message, undefined, closeCode);
    return new Refusal(429, 'tooManyFailures', 'too many failed attempts', waitSeconds);
  }

  isRevoked(principal: AgentPrincipal): boolean {
    const { authorities, certificates, denied } = this.#options;
    return (
      denied.isDenied('uid', principal.node.uid) ||
      certificates.isRevoked(principal) ||
      authorities.some((authority) => authority.isRevoked(principal.credentialId))
    );
  }

  async authenticate(credential: string): Promise<Principal | undefined> {
    for (const authority of this.#options.authorities) {
      const principal = await authority.authenticate(credential);
      if (principal !== undefined) return principal;
    }
    return undefined;
  }

  async #holderOf(
    certificate: X509Certificate | undefined,
    source: string,
  ): Promise<AgentPrincipal | undefined> {
    if (certificate === undefined) return undefined;
    const holder = await this.#options.certificates.authenticate(certificate);
    if (holder?.kind !== 'refused') return holder;
    throw this.failed(holder.code, holder.message, source, holder.closeCode);
  }

  #both(holder: AgentPrincipal, caller: Principal, source: string): Principal {
    if (caller.kind !== 'agent' || caller.node.uid !== holder.node.uid) {
      const message = 'the certificate of the connection and the token are not of one node';
      throw this.failed('credentialsDiffer', message, source);
    }
    return boundBy(caller, holder);
  }
}

/** A token's holder on a connection with a certificate: authority ends with the first of both. */
export function boundBy(
  caller: AgentPrincipal,
  { certificateUntilMs }: Pick<AgentPrincipal, 'certificateUntilMs'>,
): AgentPrincipal {
  if (certificateUntilMs === undefined) return caller;
  const expiresAtMs = Math.min(certificateUntilMs, caller.expiresAtMs ?? certificateUntilMs);
  return { ...caller, expiresAtMs, certificateUntilMs };
}

/** Throws `Refusal` 403 unless the caller is a person or script with at least this role. */
export function assertRole(caller: Principal, needed: Role): void {
  if (caller.kind !== 'user' || !mayAct(caller.role, needed)) {
    throw new Refusal(403, 'forbidden', `this needs the role ${needed}`);
  }
}

/** Throws `Refusal` 403 unless the caller is a node. */
export function assertNode(caller: Principal | undefined): void {
  if (caller?.kind !== 'agent') {
    throw new Refusal(403, 'notAnAgent', 'the credential is not one of a node');
  }
}
