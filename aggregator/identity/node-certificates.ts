import { createHash, type X509Certificate } from 'node:crypto';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import { CLOSE } from '../../shared/protocol.ts';
import type { Authorities } from './authorities.ts';
import type { DenyList } from './deny-list.ts';
import type { EnrolledNodes } from './enrolled-nodes.ts';
import type { AgentPrincipal } from './principal.ts';

/** A certificate that lets nobody in; the close code says what its holder may do now. */
export interface RefusedCertificate {
  readonly kind: 'refused';
  readonly code: string;
  readonly message: string;
  readonly closeCode: number;
}

const ID_PREFIX = 'certificate:';

/** Nodes that hold a client certificate of an aggregator's authority. TLS has proved that the caller has its key. */
export class NodeCertificates {
  readonly #authorities: Authorities;
  readonly #nodes: EnrolledNodes;
  readonly #denied: DenyList;
  readonly #clock: Clock;

  constructor(authorities: Authorities, nodes: EnrolledNodes, denied: DenyList, clock: Clock) {
    this.#authorities = authorities;
    this.#nodes = nodes;
    this.#denied = denied;
    this.#clock = clock;
  }

  /** Undefined for a certificate of another authority: it says nothing here. */
  async authenticate(
    certificate: X509Certificate,
  ): Promise<AgentPrincipal | RefusedCertificate | undefined> {
    const uid = await this.#authorities.uidOf(certificate);
    if (uid === undefined) return undefined;
    const serial = certificate.serialNumber;
    if (this.#denied.isDenied('uid', uid) || this.#denied.isDenied('serial', serial)) {
      return refused('revoked', 'the certificate was revoked', CLOSE.revoked);
    }
    const node = await this.#nodes.find(uid);
    if (node === undefined || !node.isApproved) {
      return refused('unknownNode', 'no node of this certificate is known', CLOSE.unknownNode);
    }
    const [fromMs, untilMs] = [
      certificate.validFromDate.getTime(),
      certificate.validToDate.getTime(),
    ];
    const nowMs = this.#clock.nowMs();
    if (nowMs < fromMs || nowMs >= untilMs) {
      const message = `the certificate holds from ${rfc3339(fromMs)} to ${rfc3339(untilMs)}`;
      return refused('certificateExpired', message, CLOSE.credentialExpired);
    }
    const keySha256 = keySha256Of(certificate);
    await this.#nodes.used(uid, keySha256, rfc3339(nowMs));
    return {
      kind: 'agent',
      node: { uid, name: node.name, pool: node.pool },
      expiresAtMs: untilMs,
      certificateUntilMs: untilMs,
      credentialId: `${ID_PREFIX}${serial}`,
    };
  }

  /** Also when the node's record was removed: then the credential is of nobody. */
  isRevoked({ credentialId, node }: AgentPrincipal): boolean {
    if (!credentialId.startsWith(ID_PREFIX)) return false;
    const serial = credentialId.slice(ID_PREFIX.length);
    return this.#denied.isDenied('serial', serial) || this.#nodes.get(node.uid) === undefined;
  }
}

function refused(code: string, message: string, closeCode: number): RefusedCertificate {
  return { kind: 'refused', code, message, closeCode };
}

function keySha256Of({ publicKey }: X509Certificate): string {
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  return createHash('sha256').update(spki).digest('hex');
}
