import * as v from 'valibot';
import type { SimulationRequest } from '../../shared/api-simulation.ts';
import type { Json } from '../../shared/canonical.ts';
import { CANDIDATE_LIMITS } from '../../shared/simulation.ts';
import { Refusal } from '../identity/credentials.ts';

/** `SimulationRequest` as it comes; the candidate is read where candidates are. */
export interface SimulationBody extends Pick<SimulationRequest, 'pool' | 'nodes'> {
  readonly candidate: unknown;
  readonly strict: boolean;
  readonly onlyRunning: boolean;
}

const MAX_NODES = 20_000;

const name = v.pipe(v.string(), v.minLength(1), v.maxLength(253));
const schema: v.GenericSchema<unknown, SimulationBody> = v.strictObject({
  candidate: v.unknown(),
  pool: v.exactOptional(name),
  nodes: v.exactOptional(v.pipe(v.array(name), v.minLength(1), v.maxLength(MAX_NODES))),
  strict: v.optional(v.boolean(), false),
  onlyRunning: v.optional(v.boolean(), false),
});

/** Throws `Refusal` 400. */
export function readSimulationBody(body: unknown): SimulationBody {
  const parsed = v.safeParse(schema, body ?? {}, { abortEarly: true });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const place = v.getDotPath(issue) ?? 'body';
  throw new Refusal(400, 'badRequest', `${place}: ${issue.message.slice(0, 200)}`);
}

const MODE: Json = { enum: ['replace', 'add'], default: 'replace' };

/** The same in JSON Schema, for the description of the API. */
export const SIMULATION_BODY: Json = {
  type: 'object',
  required: ['candidate'],
  additionalProperties: false,
  properties: {
    candidate: {
      type: 'object',
      required: ['policy'],
      additionalProperties: false,
      properties: {
        policy: { type: 'string', description: 'text of a policy.json' },
        policyMode: MODE,
        registriesD: {
          type: 'array',
          maxItems: CANDIDATE_LIMITS.files,
          items: {
            type: 'object',
            required: ['name', 'text'],
            additionalProperties: false,
            properties: { name: { type: 'string' }, text: { type: 'string' } },
          },
        },
        registriesDMode: MODE,
      },
    },
    pool: { type: 'string' },
    nodes: { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: MAX_NODES },
    strict: { type: 'boolean', default: false },
    onlyRunning: { type: 'boolean', default: false },
  },
};
