import type { Coverage, NodeState } from '../../shared/api.ts';
import { VERDICTS, type Verdict } from '../../shared/images.ts';
import { RESULTS, type Result, type Severity } from '../../shared/results.ts';
import type { Fleet } from '../fleet.ts';
import { countStates } from '../fleet-coverage.ts';
import { type FleetNode, resultsOf } from '../fleet-node.ts';

/** One pool: how many nodes fail at least one rule of each check. */
export interface PoolRow {
  readonly pool: string;
  readonly nodes: number;
  /** Nodes that do not report now, or whose report does not count any more. */
  readonly without: number;
  /** Nodes with a rule that could not be decided: `unknown` or `error`. */
  readonly undecided: number;
  /** By check. */
  readonly failing: ReadonlyMap<string, number>;
}

/** The fleet at a glance, from memory alone. */
export interface FleetOverview {
  readonly coverage: Coverage;
  readonly states: Readonly<Record<NodeState, number>>;
  readonly results: Readonly<Record<Result, number>>;
  readonly images: Readonly<Record<Verdict, number>>;
  readonly drift: number;
  readonly lost: number;
  /** How many rules fail somewhere, and on how many nodes, by severity. */
  readonly failing: ReadonlyMap<Severity, { readonly rules: number; readonly nodes: number }>;
  readonly checks: readonly string[];
  /** Rule to pool: how many of its nodes fail it. */
  readonly failingIn: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly pools: readonly PoolRow[];
}

/** What there are columns for, also while nothing of it fails. */
const SUBJECTS = [
  'selinux',
  'fips',
  'seccomp',
  'runtime',
  'trust',
  'registries',
  'lockdown',
  'node',
  'images',
];

export function overviewOf(fleet: Fleet): FleetOverview {
  const stateNow = fleet.stateNow();
  const members = [...fleet.members()].map((node) => ({ node, state: stateNow(node) }));
  const present = members.filter(({ state }) => state !== 'retired');
  const failing = failingByNode(fleet);
  const sum = (count: (node: FleetNode, state: NodeState) => number): number =>
    present.reduce((total, { node, state }) => total + count(node, state), 0);
  const ids = new Set([...failing.values()].flatMap((checks) => [...checks]));
  return {
    coverage: fleet.coverage(),
    states: countStates(members.map(({ state }) => state)),
    results: record(RESULTS, (result) => sum((node, state) => resultsOf(node, state)[result])),
    images: record(VERDICTS, (verdict) => sum(({ summary }) => summary.images[verdict])),
    drift: sum(({ summary }) => summary.drift),
    lost: sum(({ lost }) => lost),
    failing: bySeverity(fleet),
    checks: [...SUBJECTS, ...[...ids].filter((id) => !SUBJECTS.includes(id)).sort()],
    failingIn: failingIn(fleet),
    pools: poolsOf(present, failing),
  };
}

function failingIn(fleet: Fleet): FleetOverview['failingIn'] {
  const found = new Map<string, Map<string, number>>();
  // A node that fails a rule with two severities, for two subjects, is one node.
  const uids = new Map<string, Set<string>>();
  for (const { ruleId, nodes } of fleet.failing.rules()) {
    const known = uids.get(ruleId) ?? new Set<string>();
    uids.set(ruleId, known);
    for (const uid of nodes.keys()) known.add(uid);
  }
  for (const [ruleId, nodes] of uids) {
    const pools = new Map<string, number>();
    found.set(ruleId, pools);
    for (const uid of nodes) {
      const pool = fleet.get(uid)?.pool ?? '';
      pools.set(pool, (pools.get(pool) ?? 0) + 1);
    }
  }
  return found;
}

/** By uid: the checks of which a rule fails there. */
function failingByNode(fleet: Fleet): ReadonlyMap<string, ReadonlySet<string>> {
  const checks = new Map<string, Set<string>>();
  for (const { ruleId, nodes } of fleet.failing.rules()) {
    const check = ruleId.split('.')[0] ?? ruleId;
    for (const uid of nodes.keys()) {
      const known = checks.get(uid);
      if (known === undefined) checks.set(uid, new Set([check]));
      else known.add(check);
    }
  }
  return checks;
}

function bySeverity(fleet: Fleet): FleetOverview['failing'] {
  const found = new Map<Severity, { rules: number; nodes: Set<string> }>();
  for (const { severity, nodes } of fleet.failing.rules()) {
    const entry = found.get(severity) ?? { rules: 0, nodes: new Set<string>() };
    found.set(severity, entry);
    entry.rules++;
    for (const uid of nodes.keys()) entry.nodes.add(uid);
  }
  return new Map([...found].map(([key, { rules, nodes }]) => [key, { rules, nodes: nodes.size }]));
}

interface Stated {
  readonly node: FleetNode;
  readonly state: NodeState;
}

function poolsOf(
  members: readonly Stated[],
  failing: ReadonlyMap<string, ReadonlySet<string>>,
): readonly PoolRow[] {
  const rows = new Map<string, PoolRow & { nodes: number; without: number; undecided: number }>();
  for (const { node, state } of members) {
    const { pool } = node;
    const row = rows.get(pool) ?? { pool, nodes: 0, without: 0, undecided: 0, failing: new Map() };
    rows.set(pool, row);
    row.nodes++;
    if (!isHeard(node, state)) row.without++;
    const results = resultsOf(node, state);
    if (results.unknown + results.error > 0) row.undecided++;
    const counts = row.failing as Map<string, number>;
    for (const check of failing.get(node.uid) ?? [])
      counts.set(check, (counts.get(check) ?? 0) + 1);
  }
  return [...rows.values()].sort((a, b) => (a.pool < b.pool ? -1 : 1));
}

/** What it says is what is so now. */
function isHeard({ sections }: FleetNode, state: NodeState): boolean {
  return (state === 'online' || state === 'late') && sections.checks !== undefined;
}

function record<Key extends string>(
  keys: readonly Key[],
  count: (key: Key) => number,
): Readonly<Record<Key, number>> {
  // One entry for each key.
  return Object.fromEntries(keys.map((key) => [key, count(key)])) as Record<Key, number>;
}
