import type { PolicyItem } from '../shared/api-pools.ts';
import type { Items } from '../shared/report.ts';
import { readReportedTrust } from '../shared/reported-trust.ts';
import { trustDigest } from '../shared/trust-meaning.ts';
import type { Fleet } from './fleet.ts';
import type { FleetNode } from './fleet-node.ts';
import type { Store } from './store/store.ts';

/** Nodes whose trust in images comes to the same. */
export interface TrustGroup
  extends Pick<PolicyItem, 'digest' | 'nodes' | 'pools' | 'majorityOf' | 'outliers'> {
  /** A node of the group, to show what the others have too. */
  readonly sample: FleetNode;
}

/** More than this of different sections are not remembered. */
const MAX_KNOWN = 20_000;
/** By the hash of a section `trust`, which holds for ever. */
const knownDigests = new WeakMap<Pick<Store, 'section'>, Map<string, string>>();

/**
 * The nodes that are not retired and reported their trust, grouped by what it comes to: the most nodes first. A section
 * is read once for all nodes that have the same.
 */
export async function trustGroups(
  store: Pick<Store, 'section'>,
  fleet: Pick<Fleet, 'members'>,
): Promise<readonly TrustGroup[]> {
  const byDigest = new Map<string, FleetNode[]>();
  for (const node of fleet.members()) {
    if (node.retired) continue;
    const digest = await digestOf(store, node);
    if (digest === undefined) continue;
    const nodes = byDigest.get(digest) ?? [];
    byDigest.set(digest, nodes);
    nodes.push(node);
  }
  const majorities = majoritiesOf(byDigest);
  return [...byDigest]
    .map(([digest, nodes]) => toGroup(digest, nodes, majorities))
    .sort((a, b) => b.nodes.length - a.nodes.length || (a.digest < b.digest ? -1 : 1));
}

/**
 * The trust in images that more than half of these nodes have, of those that reported it, now or at a time; undefined
 * where none has that majority.
 */
export async function trustMajority(
  store: Pick<Store, 'section'>,
  nodes: readonly FleetNode[],
  asOfMs: number | undefined,
): Promise<{ readonly digest: string; readonly items: Items } | undefined> {
  const byDigest = new Map<string, FleetNode[]>();
  let reported = 0;
  for (const node of nodes) {
    const digest = await digestOf(store, node, asOfMs);
    if (digest === undefined) continue;
    reported++;
    byDigest.set(digest, [...(byDigest.get(digest) ?? []), node]);
  }
  const [digest, [sample] = []] =
    [...byDigest].find(([, members]) => members.length * 2 > reported) ?? [];
  if (digest === undefined || sample === undefined) return undefined;
  return { digest, items: await trustSection(store, sample, asOfMs) };
}

/** The section `trust` of a node, now or at a time. */
export async function trustSection(
  store: Pick<Store, 'section'>,
  { uid }: FleetNode,
  asOfMs?: number,
): Promise<Items> {
  return (await store.section(uid, 'trust', asOfMs))?.items ?? new Map();
}

/** Undefined for a node that never reported it, or of which nothing is known at that time. */
async function digestOf(
  store: Pick<Store, 'section'>,
  node: FleetNode,
  asOfMs?: number,
): Promise<string | undefined> {
  const known = knownDigests.get(store) ?? new Map<string, string>();
  knownDigests.set(store, known);
  const hash = asOfMs === undefined ? node.sections.trust : undefined;
  if (asOfMs === undefined && hash === undefined) return undefined;
  const digest = hash === undefined ? undefined : known.get(hash);
  if (digest !== undefined) return digest;
  const found = await store.section(node.uid, 'trust', asOfMs);
  if (found === undefined) return undefined;
  const fresh = known.get(found.hash) ?? trustDigest(readReportedTrust(found.items));
  if (known.size >= MAX_KNOWN) known.clear();
  // It may have changed since: what was read goes under its own hash.
  known.set(found.hash, fresh);
  return fresh;
}

/** By pool, the digest that more than half of its nodes have; undefined where there is none. */
function majoritiesOf(
  byDigest: ReadonlyMap<string, readonly FleetNode[]>,
): ReadonlyMap<string, string | undefined> {
  const counts = new Map<string, Map<string, number>>();
  for (const [digest, nodes] of byDigest) {
    for (const { pool } of nodes) {
      const ofPool = counts.get(pool) ?? new Map<string, number>();
      counts.set(pool, ofPool.set(digest, (ofPool.get(digest) ?? 0) + 1));
    }
  }
  return new Map(
    [...counts].map(([pool, ofPool]) => {
      const total = ofPool.values().reduce((sum, count) => sum + count, 0);
      return [pool, [...ofPool].find(([, count]) => count * 2 > total)?.[0]];
    }),
  );
}

function toGroup(
  digest: string,
  nodes: readonly FleetNode[],
  majorities: ReadonlyMap<string, string | undefined>,
): TrustGroup {
  const sorted = nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const pools = [...new Set(nodes.map(({ pool }) => pool))].sort();
  const elsewhere = ({ pool }: FleetNode): boolean => (majorities.get(pool) ?? digest) !== digest;
  const [sample] = sorted;
  if (sample === undefined) throw new TypeError('a group without nodes');
  return {
    digest,
    nodes: sorted.map(({ name }) => name),
    pools,
    majorityOf: pools.filter((pool) => majorities.get(pool) === digest),
    outliers: sorted.filter(elsewhere).map(({ name }) => name),
    sample,
  };
}
