import type { API_VERSION, List } from './api.ts';
import type { Json } from './canonical.ts';

/** What the HTTP API says of who may come in, and of who did what: enrolment, tokens, the audit log. */

/** Body of `POST /v1/enroll`. */
export interface EnrolRequest {
  /** A join token; a pin that ends it is not looked at. */
  readonly token: string;
  readonly name: string;
  /** PKCS #10 (PEM) of a P-256 key: asks for a client certificate in place of a token. */
  readonly csr?: string;
}
/** Answer to `POST /v1/enroll`: the node's own credential, a token being shown this once. */
export interface Enrolled {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'Enrolled';
  readonly node: string;
  readonly uid: string;
  readonly token?: string;
  /** PEM; for who asked with a certificate request over TLS. */
  readonly certificate?: string;
}
/** Answer 202 to `POST /v1/enroll`: an administrator has to approve the node; to be asked again with the same key. */
export interface EnrolmentPending {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'EnrolmentPending';
  readonly node: string;
  readonly uid: string;
  /** SHA-256 of the public key, hex: to be compared with what the agent logs. */
  readonly keySha256: string;
  readonly pollSeconds: number;
}
/** Body of `POST /v1/renew`, on a connection with the node's present certificate. */
export interface RenewRequest {
  readonly csr: string;
}

/** A node that enrolled, or wants to, with a key of its own. */
export interface EnrolmentItem {
  readonly name: string;
  readonly uid: string;
  readonly pool: string;
  readonly state: 'pending' | 'approved' | 'revoked';
  /** SHA-256 of its public key, hex. */
  readonly keySha256: string;
  /** Address it enrolled from. */
  readonly source: string;
  /** RFC 3339. */
  readonly enrolledAt: string;
  /** Of its newest certificate; absent while it waits. */
  readonly serial?: string;
  /** RFC 3339. */
  readonly notAfter?: string;
}
export type EnrolmentList = List<'EnrolmentList', EnrolmentItem>;

/** Body of `POST /v1/nodes/NAME/revoke`. */
export interface RevokeRequest {
  /** Only this certificate, by its serial number; without it everything the node has. */
  readonly serial?: string;
}
/** Answer to `POST /v1/nodes/NAME/approve` and `…/revoke`. */
export interface NodeAdmission {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'NodeAdmission';
  readonly node: string;
  readonly uid: string;
  readonly state: EnrolmentItem['state'];
}

/** One line of the audit log: who did what, from where, and what came of it. */
export interface AuditItem {
  /** RFC 3339. */
  readonly at: string;
  readonly who: string;
  readonly role: string;
  /** Address of the caller, or `socket`. */
  readonly from: string;
  /** `GET /v1/findings?node=worker-3`. */
  readonly what: string;
  /** What was asked for, where the path does not say it; never a secret. */
  readonly detail?: Readonly<Record<string, Json>>;
  /** HTTP status; absent in the line that is written before a command is done. */
  readonly outcome?: number;
}
export type AuditList = List<'AuditList', AuditItem>;

/** A bearer token as the aggregator knows it: never the token itself. */
export interface TokenItem {
  readonly id: string;
  /** Of a person or script, of one node, or for nodes to enrol with. */
  readonly kind: 'user' | 'agent' | 'join';
  readonly name: string;
  readonly role?: 'viewer' | 'operator' | 'admin';
  readonly pool?: string;
  /** How many nodes may still enrol with a join token. */
  readonly usesLeft?: number;
  /** Pattern of the names that may enrol with a join token. */
  readonly names?: string;
  /** RFC 3339. */
  readonly createdAt: string;
  /** RFC 3339; absent when it does not end. */
  readonly expiresAt?: string;
}
export type TokenList = List<'TokenList', TokenItem>;

/** Body of `POST /v1/tokens`. */
export interface TokenRequest {
  readonly kind: 'user' | 'agent' | 'join';
  readonly name: string;
  /** For a user; default `viewer`. */
  readonly role?: 'viewer' | 'operator' | 'admin';
  /** For an agent or a join token; default `default`. */
  readonly pool?: string;
  /** For a join token; default 1. */
  readonly uses?: number;
  /** For a join token: pattern of the names that may enrol with it, `edge-*`; default: all. */
  readonly names?: string;
  /** Default: a join token ends after 2 h, others do not end. */
  readonly ttlSeconds?: number;
}
/** Answer to `POST /v1/tokens`: the token is shown this once. */
export interface TokenCreated {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'TokenCreated';
  readonly item: TokenItem;
  /** A join token of a server with its own authority's certificate ends with `@sha256:…`, the pin of that key. */
  readonly token: string;
}
/** Answer to `DELETE /v1/tokens/ID` and `POST /v1/nodes/NAME/retire`: what is no longer valid. */
export interface Revoked {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'Revoked';
  readonly tokens: readonly TokenItem[];
}
