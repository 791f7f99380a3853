import type { API_VERSION, List } from './api.ts';
import type {
  ImageOutcome,
  SimulationCandidate,
  SimulationResult,
  SimulationSource,
} from './simulation.ts';

/** What the HTTP API says of rehearsals of a policy over the fleet. */

/** Body of `POST /v1/simulations`. */
export interface SimulationRequest {
  readonly candidate: Pick<SimulationCandidate, 'policy' | 'registriesD'> &
    Partial<SimulationCandidate>;
  /** Nodes of this pool alone. */
  readonly pool?: string;
  /** Nodes of these names alone. */
  readonly nodes?: readonly string[];
  /** Count what is unknown as refused. */
  readonly strict?: boolean;
  /** Count images in use alone. */
  readonly onlyRunning?: boolean;
}

/** How far a simulation is, in nodes. */
export interface SimulationProgress {
  /** All that it is about. */
  readonly nodes: number;
  /** Connected ones that were asked so far. */
  readonly asked: number;
  readonly answered: number;
  /** Connected ones that gave no answer: too late, refused, cut off, or of an agent that is too old. */
  readonly failed: number;
  /** Connected to no aggregator: judged by what they said last. */
  readonly offline: number;
}

export const SIMULATION_STATES = ['running', 'done'] as const;

/** One simulation without its result. */
export interface SimulationItem {
  readonly id: string;
  readonly state: (typeof SIMULATION_STATES)[number];
  /** Who began it. */
  readonly by: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly finishedAt: string | null;
  /** `sha256:…` of the text of the policy. */
  readonly digest: string;
  /** Absent: all pools. */
  readonly pool?: string;
  readonly strict: boolean;
  readonly onlyRunning: boolean;
  readonly progress: SimulationProgress;
}
export type SimulationList = List<'SimulationList', SimulationItem>;

/** Answer to `POST /v1/simulations` (status 202) and `GET /v1/simulations/ID`. */
export interface SimulationDetail {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'SimulationDetail';
  readonly simulation: SimulationItem;
  /** Absent while it runs. */
  readonly result?: SimulationResult;
}

/** One image under one name on one node. */
export interface NodeImageOutcome extends ImageOutcome {
  readonly node: string;
  readonly source: SimulationSource;
}
export type ImageOutcomeList = List<'ImageOutcomeList', NodeImageOutcome>;
