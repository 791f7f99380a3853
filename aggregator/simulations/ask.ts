import type { Json } from '../../shared/canonical.ts';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import type { Items } from '../../shared/report.ts';
import type { CheckedCandidate } from '../../shared/simulation/candidate.ts';
import { lastKnownOutcome } from '../../shared/simulation/last-known.ts';
import { NodeAnswerError, readAnswer } from '../../shared/simulation/node-answer.ts';
import { EVALUATE_POLICY, type NodeAnswer } from '../../shared/simulation.ts';
import { askNode } from '../ask-node.ts';
import { CommandError } from '../commands.ts';
import type { Fleet } from '../fleet.ts';
import { causeOfAbsence, type FleetNode } from '../fleet-node.ts';
import { Refusal } from '../identity/credentials.ts';
import { toImageItem } from '../section-items.ts';
import type { Sessions } from '../sessions.ts';
import type { Store } from '../store/store.ts';

/** What a simulation works with. */
export interface AskContext {
  readonly store: Store;
  readonly sessions: Sessions;
  readonly fleet: Fleet;
  readonly clock: Clock;
}

const CAPABILITY = `command.${EVALUATE_POLICY}`;
/** What an agent says of a verb it does not know. */
const UNSUPPORTED = 'unsupported';
const MAX_MESSAGE = 500;

export type Heard = { readonly answer: NodeAnswer } | { readonly absence: string };

/** True when the node is connected here or to another aggregator on the same database. */
export function isConnected({ sessions }: Pick<AskContext, 'sessions'>, node: FleetNode): boolean {
  return sessions.of(node.uid) !== undefined || node.elsewhere;
}

/** Why a node that is connected nowhere cannot be asked. */
export function offline({ fleet }: Pick<AskContext, 'fleet'>, node: FleetNode): string {
  return causeOfAbsence(node, fleet.stateNow()(node)) ?? 'not connected';
}

/** What a connected node says of the candidate, or why it does not. Throws `StoreError`. */
export async function hear(
  context: AskContext,
  node: FleetNode,
  { candidate }: CheckedCandidate,
  withinMs: number,
): Promise<Heard> {
  const { sessions, clock } = context;
  const capabilities = sessions.of(node.uid)?.capabilities;
  if (capabilities?.includes(CAPABILITY) === false) return { absence: tooOld(node) };
  try {
    const args = candidate as unknown as Json; // plain data of our own type
    const parts = await askNode(context, node, EVALUATE_POLICY, args, withinMs);
    const simulation = readAnswer(parts);
    return {
      answer: { node: node.name, source: 'live', asOf: rfc3339(clock.nowMs()), simulation },
    };
  } catch (error) {
    if (error instanceof Refusal) return { absence: offline(context, node) };
    if (error instanceof CommandError && error.message === UNSUPPORTED) {
      return { absence: tooOld(node) };
    }
    if (!(error instanceof CommandError || error instanceof NodeAnswerError)) throw error;
    return { absence: error.message.slice(0, MAX_MESSAGE) };
  }
}

/** What is known of a node that was not heard. Throws `StoreError`. */
export async function recall(
  { store }: Pick<AskContext, 'store'>,
  node: FleetNode,
  candidate: CheckedCandidate,
  absence: string,
): Promise<NodeAnswer> {
  const known = { node: node.name, problem: absence };
  const images = await store.section(node.uid, 'images');
  if (images === undefined) return { ...known, source: 'none', asOf: null };
  const trust = await store.section(node.uid, 'trust');
  const simulation = {
    policy: nodePolicyIn(trust?.items ?? new Map()),
    images: [...images.items].map(([key, item]) =>
      lastKnownOutcome(toImageItem(node.name, key, item), candidate),
    ),
    gaps: [],
    notes: [],
  };
  const asOf = rfc3339(node.lastSeenMs ?? images.asOfMs);
  return { ...known, source: 'lastKnown', asOf, simulation };
}

/** Path of the policy that judges for the node as a whole: that of CRI-O when it has its own. */
function nodePolicyIn(trust: Items): string {
  for (const key of ['crioPolicy', 'policy']) {
    const item = trust.get(key);
    if (typeof item !== 'object' || item === null || !('path' in item)) continue;
    if (typeof item['path'] === 'string') return item['path'];
  }
  return '';
}

function tooOld({ agentVersion }: FleetNode): string {
  return `its agent (${agentVersion ?? 'of unknown version'}) cannot judge a candidate policy`;
}
