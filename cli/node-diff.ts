import type { API_VERSION, NodeDetail } from '../shared/api.ts';
import type { PoolBaseline } from '../shared/api-pools.ts';
import { canonicalJson, type Json } from '../shared/canonical.ts';
import {
  COMPARED_SECTIONS,
  type Comparables,
  type ComparedSection,
  comparablesOf,
} from '../shared/comparable.ts';
import { findingKey } from '../shared/findings.ts';
import { readReportedTrust } from '../shared/reported-trust.ts';
import { diffTrust, type TrustChange } from '../shared/trust-changes.ts';

export const DIFF_SECTIONS: readonly DiffSection[] = ['trust', ...COMPARED_SECTIONS];
export type DiffSection = ComparedSection | 'trust';

/** One difference; from left to right something came, went, or says something else. */
export interface Difference {
  readonly section: ComparedSection;
  /** Rule and subject, path, image, or fact. */
  readonly key: string;
  readonly change: 'added' | 'removed' | 'changed';
  readonly from?: Json;
  readonly to?: Json;
}

/** What stands on one side: a node, a node at a time, or the majority of a pool. */
export interface DiffSide {
  readonly node?: string;
  readonly pool?: string;
  /** RFC 3339, or as it was given; absent for now. */
  readonly asOf?: string;
  /** State of a node that does not report now: what is compared is what it said last. */
  readonly nodeState?: string;
}

export interface NodeDiff {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'NodeDiff';
  readonly from: DiffSide;
  readonly to: DiffSide;
  /** In the trust in images, the weakened first. */
  readonly trust: readonly TrustChange[];
  /** In all else, by section and key. */
  readonly differences: readonly Difference[];
  /** Sections of which one side is not known, and why. */
  readonly notCompared: readonly { readonly section: DiffSection; readonly why: string }[];
  /** By section, on how many keys the pool has no majority, so that nothing is compared. */
  readonly varying: Readonly<Partial<Record<ComparedSection, number>>>;
}

/** A state that can be compared: sections that are not known are not there. */
export interface Comparand {
  readonly side: DiffSide;
  /** The section `trust`. */
  readonly trust: ReadonlyMap<string, Json> | undefined;
  readonly sections: Readonly<Partial<Record<ComparedSection, Comparables>>>;
  /** Of a pool: keys that have no majority, and images, which a scheduler spreads, only where both have them. */
  readonly varying?: Readonly<Partial<Record<ComparedSection, ReadonlySet<string>>>>;
}

/** A node as the aggregator told it, now or at `asOf`. */
export function nodeComparand(detail: NodeDetail, asOf: string | undefined): Comparand {
  const { node, sections, findings, images, reported = {} } = detail;
  const items: Readonly<Record<ComparedSection, readonly (readonly [string, Json])[]>> = {
    checks: findings.map(({ node: _, nodeState: __, since: ___, ...one }) => [
      findingKey(one),
      plain(one),
    ]),
    images: images.map(({ node: _, nodeState: __, ...one }) => [one.reference, plain(one)]),
    files: Object.entries(sections['files'] ?? {}),
    host: Object.entries(sections['host'] ?? {}),
  };
  const known = COMPARED_SECTIONS.filter((section) => reported[section] !== undefined);
  const isAbsent = asOf === undefined && detail.absence !== undefined;
  return {
    side: {
      node: node.name,
      ...(asOf === undefined ? {} : { asOf }),
      ...(isAbsent ? { nodeState: node.state } : {}),
    },
    trust:
      reported.trust === undefined ? undefined : new Map(Object.entries(sections['trust'] ?? {})),
    sections: Object.fromEntries(
      known.map((section) => [section, comparablesOf(section, items[section])]),
    ),
  };
}

/** What more than half of a pool say. */
export function poolComparand(baseline: PoolBaseline, asOf: string | undefined): Comparand {
  const known = COMPARED_SECTIONS.filter((section) => baseline.sections[section].nodes > 0);
  return {
    side: { pool: baseline.pool, ...(asOf === undefined ? {} : { asOf }) },
    trust: baseline.trust === null ? undefined : new Map(Object.entries(baseline.trust.items)),
    sections: Object.fromEntries(
      known.map((section) => [section, new Map(Object.entries(baseline.sections[section].items))]),
    ),
    varying: Object.fromEntries(
      known.map((section) => [section, new Set(baseline.sections[section].varying)]),
    ),
  };
}

/** What leads from one state to the other, in the sections wanted. */
export function diffComparands(
  from: Comparand,
  to: Comparand,
  wanted: readonly DiffSection[],
): Omit<NodeDiff, 'apiVersion' | 'kind'> {
  const notCompared: { section: DiffSection; why: string }[] = [];
  const differences: Difference[] = [];
  const varying: Partial<Record<ComparedSection, number>> = {};
  const isPool = from.varying !== undefined;
  for (const section of COMPARED_SECTIONS.filter((one) => wanted.includes(one))) {
    const [old, now] = [from.sections[section], to.sections[section]];
    if (old === undefined || now === undefined) {
      notCompared.push({ section, why: unknownText(old === undefined ? from : to, section) });
      continue;
    }
    const skipped = from.varying?.[section] ?? new Set();
    const found = diffItems(section, old, now).filter(
      ({ key, change }) =>
        !skipped.has(key) && !(isPool && section === 'images' && change !== 'changed'),
    );
    differences.push(...found);
    if (skipped.size > 0) varying[section] = skipped.size;
  }
  let trust: readonly TrustChange[] = [];
  if (wanted.includes('trust')) {
    if (from.trust === undefined || to.trust === undefined) {
      const why = unknownText(from.trust === undefined ? from : to, 'trust');
      notCompared.unshift({ section: 'trust', why });
    } else trust = diffTrust(readReportedTrust(from.trust), readReportedTrust(to.trust));
  }
  return { from: from.side, to: to.side, trust, differences, notCompared, varying };
}

function diffItems(
  section: ComparedSection,
  old: Comparables,
  now: Comparables,
): readonly Difference[] {
  const keys = [...new Set([...old.keys(), ...now.keys()])].sort();
  return keys.flatMap((key): readonly Difference[] => {
    const [from, to] = [old.get(key), now.get(key)];
    if (to === undefined)
      return from === undefined ? [] : [{ section, key, change: 'removed', from }];
    if (from === undefined) return [{ section, key, change: 'added', to }];
    const isSame = canonicalJson(from) === canonicalJson(to);
    return isSame ? [] : [{ section, key, change: 'changed', from, to }];
  });
}

function unknownText({ side }: Comparand, section: DiffSection): string {
  const { node, pool, asOf } = side;
  if (pool !== undefined) {
    return section === 'trust'
      ? `no more than half of the pool ${pool} trust images by the same`
      : `no node of the pool ${pool} reported it`;
  }
  return asOf === undefined
    ? `${node} never reported it`
    : `nothing is known of ${node} as of ${asOf}`;
}

function plain(value: object): Json {
  return value as Json; // what an aggregator sent as JSON
}
