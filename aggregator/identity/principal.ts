import type { NodeIdentity } from '../store/stored-node.ts';

/** What a person or script may do: `viewer` reads, `operator` asks nodes for work, `admin` changes who may what. */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Who is calling, as the credential says. */
export type Principal =
  | { readonly kind: 'user'; readonly name: string; readonly role: Role }
  | {
      readonly kind: 'agent';
      readonly node: NodeIdentity;
      /** Milliseconds since 1970; null when the credential does not expire. */
      readonly expiresAtMs: number | null;
      /** Names the credential among those of its authority, so that it can be asked whether it still holds. */
      readonly credentialId: string;
      /**
       * End of the certificate of the connection, when it has one: no later token extends the authority of the
       * connection past it.
       */
      readonly certificateUntilMs?: number;
    };
export type AgentPrincipal = Principal & { readonly kind: 'agent' };

/** True when `role` includes what `needed` may do. */
export function mayAct(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

/** Turns a bearer credential into who holds it; undefined when it is none of this authority's. */
export interface Authority {
  authenticate(credential: string): Promise<Principal | undefined>;
  /** Whether a credential of this authority was revoked since it was authenticated. */
  isRevoked(credentialId: string): boolean;
}

/** What an open session asks for as long as it lives. */
export interface SessionAuthority {
  authenticate(credential: string): Promise<Principal | undefined>;
  /** Whether the credential, or the node as such, was revoked since it was authenticated. */
  isRevoked(principal: AgentPrincipal): boolean;
}
