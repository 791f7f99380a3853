import * as v from 'valibot';
import { API_VERSION } from '../../shared/api.ts';
import type { Revoked, TokenCreated, TokenList, TokenRequest } from '../../shared/api-admission.ts';
import { rfc3339 } from '../../shared/clock.ts';
import { DEFAULT_POOL } from '../config.ts';
import { Refusal } from '../identity/credentials.ts';
import { ROLES } from '../identity/principal.ts';
import { NAME, NAME_PATTERN } from '../identity/token-file.ts';
import type { NewToken } from '../identity/token-item.ts';
import { notFound } from './list.ts';
import type { Route } from './route.ts';

const JOIN_LIFE_SECONDS = 7200;
const MAX_LIFE_SECONDS = 366 * 86_400;
const MAX_USES = 10_000;

const name = v.pipe(v.string(), v.maxLength(253));
const bodySchema: v.GenericSchema<unknown, TokenRequest> = v.strictObject({
  kind: v.picklist(['user', 'agent', 'join']),
  name,
  role: v.exactOptional(v.picklist(ROLES)),
  pool: v.exactOptional(v.pipe(name, v.regex(NAME, 'expected letters, digits, ".", "_" and "-"'))),
  uses: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_USES))),
  names: v.exactOptional(
    v.pipe(v.string(), v.regex(NAME_PATTERN, 'expected a node name, with * for any text')),
  ),
  ttlSeconds: v.exactOptional(
    v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_LIFE_SECONDS)),
  ),
});

const getTokens: Route = {
  method: 'GET',
  path: '/v1/tokens',
  role: 'admin',
  summary: 'The tokens of people, nodes and for enrolling; never the tokens themselves',
  query: [],
  async handle(_request, { tokens }): Promise<TokenList> {
    return { apiVersion: API_VERSION, kind: 'TokenList', items: tokens.list() };
  },
};

const postTokens: Route = {
  method: 'POST',
  path: '/v1/tokens',
  role: 'admin',
  summary: 'A new token, shown this once',
  query: [],
  async handle({ body, note }, { tokens, fleet, clock }): Promise<TokenCreated> {
    const parsed = v.safeParse(bodySchema, body);
    if (!parsed.success) {
      const [issue] = parsed.issues;
      const place = v.getDotPath(issue) ?? 'body';
      throw new Refusal(400, 'badRequest', `${place}: ${issue.message.slice(0, 200)}`);
    }
    const created = await tokens.create(toNewToken(parsed.output, clock.nowMs()));
    const { kind, name: node, pool = DEFAULT_POOL } = created.item;
    note({ ...created.item });
    if (kind === 'agent') fleet.expect({ name: node, pool });
    return { apiVersion: API_VERSION, kind: 'TokenCreated', ...created };
  },
};

const deleteToken: Route = {
  method: 'DELETE',
  path: '/v1/tokens/:name',
  role: 'admin',
  summary: 'Revokes a token; what is connected with it is cut off within seconds',
  query: [],
  async handle({ name: id, note }, { tokens }): Promise<Revoked> {
    const revoked = await tokens.revoke((item) => item.id === id);
    if (revoked.length === 0) throw notFound('token', id);
    note({ tokens: revoked.map(({ kind, name }) => `${kind} ${name}`) });
    return { apiVersion: API_VERSION, kind: 'Revoked', tokens: revoked };
  },
};

export const tokenRoutes: readonly Route[] = [getTokens, postTokens, deleteToken];

function toNewToken(request: TokenRequest, nowMs: number): NewToken {
  const { kind, role = 'viewer', pool = DEFAULT_POOL, uses = 1, names, ttlSeconds } = request;
  const end = ttlSeconds === undefined ? {} : { expiresAt: rfc3339(nowMs + ttlSeconds * 1000) };
  switch (kind) {
    case 'user':
      return { kind, name: request.name, role, ...end };
    case 'agent':
      return { kind, name: request.name, pool, ...end };
    case 'join': {
      const expiresAt = rfc3339(nowMs + (ttlSeconds ?? JOIN_LIFE_SECONDS) * 1000);
      const pattern = names === undefined ? {} : { names };
      return { kind, name: request.name, pool, usesLeft: uses, ...pattern, expiresAt };
    }
  }
}
