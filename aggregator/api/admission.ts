import * as v from 'valibot';
import { API_VERSION } from '../../shared/api.ts';
import type {
  EnrolmentItem,
  EnrolmentList,
  NodeAdmission,
  Revoked,
  RevokeRequest,
} from '../../shared/api-admission.ts';
import { rfc3339 } from '../../shared/clock.ts';
import { CLOSE } from '../../shared/protocol.ts';
import { Refusal } from '../identity/credentials.ts';
import type { EnrolledNode } from '../identity/enrolled-nodes.ts';
import { notFound } from './list.ts';
import type { ApiContext, Route } from './route.ts';

const revokeSchema: v.GenericSchema<unknown, RevokeRequest> = v.strictObject({
  serial: v.exactOptional(v.pipe(v.string(), v.regex(/^[0-9A-Fa-f]{2,40}$/))),
});

const getEnrolments: Route = {
  method: 'GET',
  path: '/v1/enrolments',
  role: 'admin',
  summary: 'Nodes that enrolled with a key of their own, and those that wait for approval',
  query: [],
  async handle(_request, context): Promise<EnrolmentList> {
    const items = context.enrolled.list().map((node) => toItem(node, context));
    return { apiVersion: API_VERSION, kind: 'EnrolmentList', items };
  },
};

const postApprove: Route = {
  method: 'POST',
  path: '/v1/nodes/:name/approve',
  role: 'admin',
  summary: 'Lets a waiting node in, or a revoked one in again',
  query: [],
  async handle({ name }, { enrolment, enrolled, denied, fleet }): Promise<NodeAdmission> {
    const node = (await enrolment.approve(name)) ?? fleet.find(name);
    if (node === undefined) throw notFound('node', name);
    const { uid, pool } = node;
    await denied.remove('uid', uid);
    if (enrolled.get(uid) !== undefined) fleet.expect({ uid, name, pool });
    return { apiVersion: API_VERSION, kind: 'NodeAdmission', node: name, uid, state: 'approved' };
  },
};

const postRevoke: Route = {
  method: 'POST',
  path: '/v1/nodes/:name/revoke',
  role: 'admin',
  summary:
    'Ends the authority of a node at once, whatever credential it has; approve takes it back',
  query: [],
  async handle(request, context): Promise<NodeAdmission> {
    const { name, body = {}, note, caller } = request;
    const { enrolled, denied, fleet, sessions, clock } = context;
    const parsed = v.safeParse(revokeSchema, body);
    if (!parsed.success) throw new Refusal(400, 'badRequest', 'expected {"serial"?: "<hex>"}');
    const node = enrolled.ofName(name) ?? fleet.find(name);
    if (node === undefined) throw notFound('node', name);
    const { uid } = node;
    if (uid.startsWith('inventory:')) {
      const message = 'never reported and never enrolled: it has nothing to revoke';
      throw new Refusal(409, 'noCredential', `node ${name}: ${message}`);
    }
    const serial = parsed.output.serial?.toUpperCase();
    const by = caller?.kind === 'user' ? caller.name : '';
    const at = rfc3339(clock.nowMs());
    note({ uid, ...(serial === undefined ? {} : { serial }) });
    if (serial === undefined) {
      await denied.add({ kind: 'uid', value: uid, name, at, by });
      sessions.of(uid)?.close(CLOSE.revoked, 'revoked');
    } else {
      // A session with this certificate ends at the next look, within a second.
      await denied.add({ kind: 'serial', value: serial, name, at, by });
    }
    const state = serial === undefined ? 'revoked' : 'approved';
    return { apiVersion: API_VERSION, kind: 'NodeAdmission', node: name, uid, state };
  },
};

const postRetire: Route = {
  method: 'POST',
  path: '/v1/nodes/:name/retire',
  role: 'admin',
  summary: 'The node no longer counts and its credential no longer holds; its history is kept',
  query: [],
  async handle({ name, note }, context): Promise<Revoked> {
    const { store, fleet, sessions, tokens, enrolled, clock } = context;
    const node = fleet.find(name);
    const own = enrolled.ofName(name);
    if (node === undefined && own === undefined) throw notFound('node', name);
    const revoked = await tokens.revoke((item) => item.kind === 'agent' && item.name === name);
    // Its certificate is of an unknown node from now on: with a join token it may enrol as a new one.
    if (own !== undefined) await enrolled.remove(own.uid);
    note({ uid: own?.uid ?? node?.uid ?? '' });
    if (node !== undefined) {
      const code = own === undefined ? CLOSE.revoked : CLOSE.unknownNode;
      sessions.of(node.uid)?.close(code, 'node retired');
      if (node.lastSeenMs === null) fleet.forget(node.uid);
      else {
        await store.retire(node.uid, clock.nowMs());
        fleet.retired(node.uid);
      }
    }
    return { apiVersion: API_VERSION, kind: 'Revoked', tokens: revoked };
  },
};

export const admissionRoutes: readonly Route[] = [
  getEnrolments,
  postApprove,
  postRevoke,
  postRetire,
];

function toItem(node: EnrolledNode, { denied }: ApiContext): EnrolmentItem {
  const { name, uid, pool, isApproved, keySha256, source, enrolledAt, serial, notAfter } = node;
  const state = denied.isDenied('uid', uid) ? 'revoked' : isApproved ? 'approved' : 'pending';
  return {
    name,
    uid,
    pool,
    state,
    keySha256,
    source,
    enrolledAt,
    ...(serial === undefined ? {} : { serial }),
    ...(notAfter === undefined ? {} : { notAfter }),
  };
}
