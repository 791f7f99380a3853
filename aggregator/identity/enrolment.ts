import { randomUUID } from 'node:crypto';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import { CodedError } from '../../shared/errors.ts';
import type { NodeIdentity } from '../store/stored-node.ts';
import { type CertificateRequest, readCertificateRequest } from './certificate-request.ts';
import type { DenyList } from './deny-list.ts';
import type { EnrolledNode, EnrolledNodes, NodeWriter } from './enrolled-nodes.ts';
import type { IssuedCertificate, NodeCa } from './node-ca.ts';
import type { AgentPrincipal } from './principal.ts';
import { TokenStoreError } from './token-item.ts';
import type { TokenAuthority } from './tokens.ts';

/** A node that does not get what it asks for, however good its token is. */
export class EnrolmentError extends CodedError<'ERR_ENROLMENT_REVOKED' | 'ERR_ENROLMENT_UNKNOWN'> {}

export type EnrolmentOutcome =
  | {
      readonly kind: 'issued';
      readonly node: NodeIdentity;
      readonly certificate: IssuedCertificate;
    }
  /** An administrator has to approve it; asking again with the same key costs nothing. */
  | { readonly kind: 'pending'; readonly node: NodeIdentity; readonly keySha256: string };

export interface EnrolmentRules {
  /** Nodes wait for an administrator. */
  readonly approval: boolean;
  readonly certificateLifeMs: number;
}

export interface EnrolmentParts {
  readonly tokens: TokenAuthority;
  readonly nodes: EnrolledNodes;
  readonly denied: DenyList;
  readonly ca: NodeCa;
  readonly clock: Clock;
}

/** What a node sends to be let in. */
export interface Applicant {
  readonly token: string;
  readonly name: string;
  /** PKCS #10, PEM. */
  readonly csr: string;
  /** Its address. */
  readonly source: string;
}

/** A lost answer may be asked for again without another use of the token, for so long. */
const AGAIN_MS = 3_600_000;

/** Gives nodes certificates: the first for a join token and a key, later ones for the certificate before. */
export class Enrolment {
  readonly #parts: EnrolmentParts;
  readonly #rules: EnrolmentRules;

  constructor(parts: EnrolmentParts, rules: EnrolmentRules) {
    this.#parts = parts;
    this.#rules = rules;
  }

  get needsApproval(): boolean {
    return this.#rules.approval;
  }

  /**
   * Lets a node in, or says that it waits. `isTaken` tells whether the name belongs to a node that came another way. The
   * same name with the same key is the same node: it keeps its uid. Throws `TokenStoreError`, `EnrolmentError`,
   * `CertificateRequestError`.
   */
  enrol(applicant: Applicant, isTaken: (name: string) => boolean): Promise<EnrolmentOutcome> {
    const { tokens, nodes } = this.#parts;
    // Two at once must not take one name.
    return nodes.change(async (writer) => {
      const { token, name, csr } = applicant;
      const joinId = await tokens.joinIdOf(token);
      // Only who has a join token learns anything about names.
      if (joinId === undefined) {
        throw new TokenStoreError('ERR_TOKEN_JOIN', 'not a join token, or one that was revoked');
      }
      const request = readCertificateRequest(csr);
      const known = nodes.ofName(name);
      if (known !== undefined) return await this.#again(writer, known, applicant, request, joinId);
      if (isTaken(name)) throw nameTaken(name);
      const { pool } = await tokens.spend(token, name);
      return await this.#answer(
        writer,
        {
          uid: randomUUID(),
          name,
          pool,
          isApproved: !this.#rules.approval,
          keySha256: request.keySha256,
          joinId,
          source: applicant.source,
          enrolledAt: rfc3339(this.#parts.clock.nowMs()),
        },
        request,
      );
    });
  }

  /** A new certificate for a node that shows its present one, for the same key or another. */
  renew({ node }: AgentPrincipal, csr: string): Promise<EnrolmentOutcome> {
    return this.#parts.nodes.change(async (writer) => {
      const request = readCertificateRequest(csr);
      const known = this.#parts.nodes.get(node.uid);
      if (known === undefined) {
        const message = `node ${node.name}: has no certificate of this aggregator`;
        throw new EnrolmentError('ERR_ENROLMENT_UNKNOWN', message);
      }
      return await this.#answer(writer, known, request);
    });
  }

  /** Lets a waiting node in; undefined when none of this name is known. */
  approve(name: string): Promise<EnrolledNode | undefined> {
    const { nodes } = this.#parts;
    return nodes.change(async ({ keep }) => {
      const known = nodes.ofName(name);
      if (known === undefined || known.isApproved) return known;
      const approved = { ...known, isApproved: true };
      await keep(approved);
      return approved;
    });
  }

  async #again(
    writer: NodeWriter,
    known: EnrolledNode,
    { token, name }: Applicant,
    request: CertificateRequest,
    joinId: string,
  ): Promise<EnrolmentOutcome> {
    const { tokens, denied, clock } = this.#parts;
    if (known.keySha256 !== request.keySha256) throw nameTaken(name);
    if (denied.isDenied('uid', known.uid)) {
      throw new EnrolmentError('ERR_ENROLMENT_REVOKED', `node ${name}: was revoked`);
    }
    const ageMs = clock.nowMs() - Date.parse(known.enrolledAt);
    const isLostAnswer = known.usedAt === undefined && (!known.isApproved || ageMs < AGAIN_MS);
    // With the approval queue the answer comes long after the token was spent.
    const isApprovedNow = known.usedAt === undefined && known.serial === undefined;
    if (joinId !== known.joinId || !(isLostAnswer || isApprovedNow))
      await tokens.spend(token, name);
    return await this.#answer(writer, known, request);
  }

  async #answer(
    { keep }: NodeWriter,
    node: EnrolledNode,
    { spki, keySha256 }: CertificateRequest,
  ): Promise<EnrolmentOutcome> {
    const { ca } = this.#parts;
    const { uid, name, pool } = node;
    const identity = { uid, name, pool };
    if (!node.isApproved) {
      await keep(node);
      return { kind: 'pending', node: identity, keySha256 };
    }
    const certificate = ca.issue(spki, uid, this.#rules.certificateLifeMs);
    const { serial, notAfterMs } = certificate;
    await keep({ ...node, serial, notAfter: rfc3339(notAfterMs) });
    return { kind: 'issued', node: identity, certificate };
  }
}

function nameTaken(name: string): TokenStoreError {
  return new TokenStoreError('ERR_TOKEN_EXISTS', `node ${name}: is another with another key`);
}
