import * as v from 'valibot';
import { API_VERSION, NODE_STATES, type ServerVersion } from '../../shared/api.ts';
import type { Json } from '../../shared/canonical.ts';
import { rfc3339 } from '../../shared/clock.ts';
import {
  AGENT_PARTS,
  type Diagnosis,
  type DiagnosisPart,
  type NODE_PARTS,
  type SERVER_PARTS,
} from '../../shared/diagnosis.ts';
import { messageOf } from '../../shared/errors.ts';
import { redact } from '../../shared/redact.ts';
import { askNode } from '../ask-node.ts';
import type { FleetNode } from '../fleet-node.ts';
import { serverVersion } from '../self.ts';
import { notFound } from './list.ts';
import { nodeDetail } from './nodes.ts';
import type { ApiContext, Route } from './route.ts';

const AUDIT_LINES = 200;
const COLLECT_WITHIN_MS = 20_000;

const getVersion: Route = {
  method: 'GET',
  path: '/v1/version',
  role: 'viewer',
  summary: 'Versions of the aggregator, of what it runs on, and of the schema of its store',
  query: [],
  handle: async (_request, { self }): Promise<ServerVersion> => serverVersion(self),
};

const getDiagnosis: Route = {
  method: 'GET',
  path: '/v1/diagnosis',
  role: 'admin',
  summary: 'What somebody needs to find a fault of the aggregator: no secrets',
  query: [],
  async handle(_request, context): Promise<Diagnosis> {
    const { fleet, metrics, audit, self } = context;
    const parts: Readonly<Record<keyof typeof SERVER_PARTS, () => unknown>> = {
      'version.json': () => serverVersion(self),
      'config.json': () => self.config,
      'readiness.json': () => self.ready(),
      'coverage.json': () => ({ states: countStates(fleet.items()), coverage: fleet.coverage() }),
      'metrics.txt': () => metrics.text(),
      'audit.json': () => audit.read(AUDIT_LINES),
      'log.json': () => self.log.lines,
    };
    return await diagnosis('server', parts, context);
  },
};

const getNodeDiagnosis: Route = {
  method: 'GET',
  path: '/v1/nodes/:name/diagnosis',
  role: 'operator',
  summary:
    'What somebody needs to find a fault of a node: what is known of it, and what its agent tells of itself; no secrets',
  query: [],
  async handle({ name }, context): Promise<Diagnosis> {
    const node = context.fleet.find(name);
    if (node === undefined) throw notFound('node', name);
    const parts: Readonly<Record<keyof typeof NODE_PARTS, () => unknown>> = {
      'version.json': () => serverVersion(context.self),
      'node.json': () => nodeDetail(node, context, undefined),
    };
    const known = await diagnosis(`node/${node.name}`, parts, context);
    return { ...known, parts: [...known.parts, ...(await agentParts(node, context))] };
  },
};

export const diagnosisRoutes: readonly Route[] = [getVersion, getDiagnosis, getNodeDiagnosis];

function countStates(items: readonly { readonly state: string }[]): Json {
  const count = (state: string): number => items.filter((item) => item.state === state).length;
  return Object.fromEntries(NODE_STATES.map((state) => [state, count(state)]));
}

/** Every part by itself: what is broken must not keep the rest away. */
async function diagnosis(
  of: string,
  parts: Readonly<Record<string, () => unknown>>,
  { clock }: ApiContext,
): Promise<Diagnosis> {
  const made = Object.entries(parts).map(async ([name, content]): Promise<DiagnosisPart> => {
    try {
      // What cannot stand in JSON is left out, as it would be on the wire.
      return { name, content: redact(JSON.parse(JSON.stringify(await content())) as Json) };
    } catch (error) {
      return { name, content: null, error: String(redact(messageOf(error))) };
    }
  });
  const at = rfc3339(clock.nowMs());
  return { apiVersion: API_VERSION, kind: 'Diagnosis', of, at, parts: await Promise.all(made) };
}

const partSchema = v.object({
  name: v.picklist(Object.keys(AGENT_PARTS)),
  content: v.unknown(),
  error: v.exactOptional(v.pipe(v.string(), v.maxLength(1000))),
});

/** What the agent answers to `collect`; why there is nothing, when there is nothing. */
async function agentParts(node: FleetNode, context: ApiContext): Promise<readonly DiagnosisPart[]> {
  const names = Object.keys(AGENT_PARTS);
  try {
    const answer = await askNode(context, node, 'collect', {}, COLLECT_WITHIN_MS);
    const found = answer.flatMap((part) => {
      const parsed = v.safeParse(partSchema, part);
      if (!parsed.success) return [];
      const { content, ...rest } = parsed.output;
      // An agent that is not ours may send secrets after all.
      return [{ ...rest, content: redact(content as Json) }];
    });
    return names.map((name) => {
      const part = found.find((candidate) => candidate.name === name);
      return part ?? { name, content: null, error: 'the agent did not send it' };
    });
  } catch (error) {
    const why = String(redact(messageOf(error)));
    return names.map((name) => ({ name, content: null, error: why }));
  }
}
