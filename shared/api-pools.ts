import type { API_VERSION, Coverage, List } from './api.ts';
import type { Json } from './canonical.ts';
import type { ComparedSection } from './comparable.ts';

/** Nodes whose trust in images comes to the same, whatever their files are called and how they are written. */
export interface PolicyItem {
  /** Names what the nodes have in common: policies, keys, lookasides, mirrors (shared/trust-meaning.ts). */
  readonly digest: string;
  readonly nodes: readonly string[];
  /** Pools that nodes with this are in. */
  readonly pools: readonly string[];
  /** Pools of which more than half of the nodes that reported have this. */
  readonly majorityOf: readonly string[];
  /** Nodes of pools whose majority has another. */
  readonly outliers: readonly string[];
  /** The item `policy` of the section `trust` as one of the nodes has it: path, default, scopes, or why there is none. */
  readonly policy: Json;
  /** The whole section `trust` of that node: key to item. Only where one was asked for by its digest. */
  readonly trust?: Readonly<Record<string, Json>>;
}
export type PolicyList = List<'PolicyList', PolicyItem>;

/** What more than half of the nodes of a pool say in one section. */
export interface SectionMajority {
  /** How many of the nodes reported it. */
  readonly nodes: number;
  /** By key of `comparablesOf` (shared/comparable.ts); keys that more than half of the nodes do not have are not here. */
  readonly items: Readonly<Record<string, Json>>;
  /** Keys on which no value has the majority. */
  readonly varying: readonly string[];
}
/** The state that a node of a pool is compared with. */
export interface PoolBaseline {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'PoolBaseline';
  readonly pool: string;
  readonly nodes: readonly string[];
  /** The trust in images that more than half of them have; null when none has that majority. */
  readonly trust: {
    readonly digest: string;
    /** The section `trust` of one of them: key to item. */
    readonly items: Readonly<Record<string, Json>>;
  } | null;
  readonly sections: Readonly<Record<ComparedSection, SectionMajority>>;
  readonly coverage: Coverage;
}
