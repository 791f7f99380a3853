import * as v from 'valibot';
import { API_VERSION, type Enrolled } from '../../shared/api.ts';
import { Refusal } from '../identity/credentials.ts';
import { TokenStoreError } from '../identity/tokens.ts';
import type { Route } from './route.ts';

const bodySchema = v.object({
  token: v.pipe(v.string(), v.maxLength(256)),
  name: v.pipe(v.string(), v.maxLength(253)),
});

const postEnroll: Route = {
  method: 'POST',
  path: '/v1/enroll',
  role: 'join',
  summary:
    'Gives a node its own credential for a join token; a name that is taken stays with its node',
  query: [],
  async handle({ body, source }, { tokens, credentials, fleet }): Promise<Enrolled> {
    const parsed = v.safeParse(bodySchema, body);
    if (!parsed.success) {
      throw new Refusal(400, 'badRequest', 'expected {"token": "<join token>", "name": "<node>"}');
    }
    // A node may be known by another credential than a token of ours: its name is taken too.
    if ((fleet.find(parsed.output.name)?.lastSeenMs ?? null) !== null) {
      throw new Refusal(409, 'nameTaken', 'a node of this name has reported already');
    }
    try {
      const { node, token } = await tokens.enrol(parsed.output.token, parsed.output.name);
      fleet.expect(node);
      return { apiVersion: API_VERSION, kind: 'Enrolled', node: node.name, uid: node.uid, token };
    } catch (error) {
      if (!(error instanceof TokenStoreError)) throw error;
      if (error.code !== 'ERR_TOKEN_JOIN') throw error;
      throw credentials.failed('joinToken', error.message, source);
    }
  },
};

export const enrolRoutes: readonly Route[] = [postEnroll];
