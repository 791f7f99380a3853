import { isAtLeast, type Severity } from '../../shared/results.ts';
import type { Failing } from '../failing.ts';
import type { Fleet } from '../fleet.ts';
import type { FleetNode } from '../fleet-node.ts';

/** `rules`: something fails. `coverage`: a node does not report. `identity`: two machines are one node. */
export const FAMILIES = ['rules', 'coverage', 'identity'] as const;
export type Family = (typeof FAMILIES)[number];

/** What one alert is about, whatever nodes it holds for. */
export interface Subject {
  readonly family: Family;
  /** Name of the alert, as those of the Prometheus rules are called. */
  readonly name: string;
  readonly severity: Severity;
  readonly title: string;
  /** Of the family `rules`. */
  readonly ruleId?: string;
}

/** One thing that is wrong now, and on which nodes. */
export interface Condition {
  /** Names the condition for as long as there are nodes it holds for. */
  readonly key: string;
  readonly subject: Subject;
  /** By uid. */
  readonly nodes: ReadonlyMap<string, { readonly name: string }>;
  /** The same number for the same nodes; undefined when only looking tells. */
  readonly version?: number;
  /** Nodes that are no news to who asks for the first time. */
  isOld(uid: string): boolean;
}

const NOT_COVERED: Subject = {
  family: 'coverage',
  name: 'NodesealNodeNotCovered',
  severity: 'high',
  title: 'Nodes do not report',
};
const CONFLICT: Subject = {
  family: 'identity',
  name: 'NodesealIdentityConflict',
  severity: 'critical',
  title: 'Two machines use the credential or name of one node',
};

/** Rules that fail with at least this severity. */
export function failingConditions(failing: Failing, atLeast: Severity): readonly Condition[] {
  return [...failing.rules()]
    .filter(({ severity }) => isAtLeast(severity, atLeast))
    .map(({ ruleId, severity, title, nodes, version }) => ({
      key: `rule ${ruleId} ${severity}`,
      subject: { family: 'rules', name: 'NodesealRuleFailing', severity, title, ruleId },
      nodes,
      version,
      isOld: () => true,
    }));
}

/** Nodes that do not report. One that never did is news whenever that is looked at for the first time. */
export function coverageCondition(fleet: Fleet): Condition {
  const nodes = new Map<string, FleetNode>();
  const stateNow = fleet.stateNow();
  for (const node of fleet.members()) {
    const state = stateNow(node);
    const isAbsent = state === 'expected' || state === 'silent' || state === 'stale';
    if (isAbsent) nodes.set(node.uid, node);
  }
  const isOld = (uid: string): boolean => fleet.get(uid)?.lastSeenMs !== null;
  return { key: 'coverage', subject: NOT_COVERED, nodes, isOld };
}

/** Nodes that two machines claim to be. */
export function conflictCondition(fleet: Fleet): Condition {
  const nodes = new Map<string, FleetNode>();
  const stateNow = fleet.stateNow();
  for (const node of fleet.members()) {
    if (stateNow(node) === 'conflict') nodes.set(node.uid, node);
  }
  return { key: 'identity', subject: CONFLICT, nodes, isOld: () => true };
}
