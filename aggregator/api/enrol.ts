import * as v from 'valibot';
import { API_VERSION } from '../../shared/api.ts';
import type {
  Enrolled,
  EnrolmentPending,
  EnrolRequest,
  RenewRequest,
} from '../../shared/api-admission.ts';
import { Refusal } from '../identity/credentials.ts';
import type { EnrolmentOutcome } from '../identity/enrolment.ts';
import { TokenStoreError } from '../identity/token-item.ts';
import { type ApiContext, type ApiRequest, Reply, type Route } from './route.ts';

const csr = v.pipe(v.string(), v.maxLength(8192));
const enrolSchema: v.GenericSchema<unknown, EnrolRequest> = v.object({
  token: v.pipe(v.string(), v.maxLength(256)),
  name: v.pipe(v.string(), v.maxLength(253)),
  csr: v.exactOptional(csr),
});
const renewSchema: v.GenericSchema<unknown, RenewRequest> = v.object({ csr });

/** How often a node that waits for its approval should ask. */
const POLL_SECONDS = 30;

const postEnroll: Route = {
  method: 'POST',
  path: '/v1/enroll',
  role: 'join',
  summary:
    'Gives a node its own credential for a join token: a client certificate when it sends a certificate request over TLS, else a token; a name that is taken stays with its node',
  query: [],
  async handle(request, context): Promise<Enrolled | Reply> {
    const parsed = v.safeParse(enrolSchema, request.body);
    if (!parsed.success) {
      const what = '{"token": "<join token>", "name": "<node>", "csr"?: "<PEM>"}';
      throw new Refusal(400, 'badRequest', `expected ${what}`);
    }
    const { token, name } = parsed.output;
    const joinId = await context.tokens.joinIdOf(token);
    if (joinId !== undefined) request.act(`join token ${joinId}`, { node: name });
    try {
      return await enrol(parsed.output, request, context);
    } catch (error) {
      if (!(error instanceof TokenStoreError) || error.code !== 'ERR_TOKEN_JOIN') throw error;
      throw context.credentials.failed('joinToken', error.message, request.source);
    }
  },
};

const postRenew: Route = {
  method: 'POST',
  path: '/v1/renew',
  role: 'node',
  summary: 'A new certificate for the node whose present one the connection shows',
  query: [],
  async handle({ body, caller }, { enrolment }): Promise<Enrolled | Reply> {
    const parsed = v.safeParse(renewSchema, body);
    if (!parsed.success) throw new Refusal(400, 'badRequest', 'expected {"csr": "<PEM>"}');
    if (caller?.kind !== 'agent' || caller.certificateUntilMs === undefined) {
      throw new Refusal(403, 'noCertificate', 'expected a connection with a certificate of a node');
    }
    return answer(await enrolment.renew(caller, parsed.output.csr));
  },
};

export const enrolRoutes: readonly Route[] = [postEnroll, postRenew];

async function enrol(
  { token, name, csr }: EnrolRequest,
  { source }: ApiRequest,
  { tokens, fleet, enrolment, hasTls }: ApiContext,
): Promise<Enrolled | Reply> {
  const isTaken = (wanted: string): boolean => {
    // A node may be known by another credential than one of ours: its name is taken too.
    const known = fleet.find(wanted);
    return known !== undefined && !known.retired && known.lastSeenMs !== null;
  };
  // Without TLS of our own no certificate of a client ever gets here.
  if (csr !== undefined && hasTls) {
    const outcome = await enrolment.enrol({ token, name, csr, source }, isTaken);
    if (outcome.kind === 'issued') fleet.expect(outcome.node);
    return answer(outcome);
  }
  if (enrolment.needsApproval) {
    throw new Refusal(
      403,
      'approvalNeedsKey',
      'nodes are approved by their key: send a csr, over TLS',
    );
  }
  if ((await tokens.joinIdOf(token)) !== undefined && isTaken(name)) {
    throw new Refusal(409, 'nameTaken', 'a node of this name has reported already');
  }
  const { node, token: own } = await tokens.enrol(token, name);
  fleet.expect(node);
  return { apiVersion: API_VERSION, kind: 'Enrolled', node: name, uid: node.uid, token: own };
}

function answer(outcome: EnrolmentOutcome): Enrolled | Reply {
  const { name: node, uid } = outcome.node;
  if (outcome.kind === 'issued') {
    const certificate = outcome.certificate.pem;
    return { apiVersion: API_VERSION, kind: 'Enrolled', node, uid, certificate };
  }
  const pending: EnrolmentPending = {
    apiVersion: API_VERSION,
    kind: 'EnrolmentPending',
    node,
    uid,
    keySha256: outcome.keySha256,
    pollSeconds: POLL_SECONDS,
  };
  return new Reply(202, pending);
}
