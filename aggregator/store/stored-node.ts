import type { Json } from '../../shared/canonical.ts';
import type { Verdict } from '../../shared/images.ts';
import type { Hashes } from '../../shared/protocol.ts';
import type { ResultCounts } from '../../shared/results.ts';

/** Who a node is: comes from the credential, never from what the node sends. */
export interface NodeIdentity {
  readonly uid: string;
  readonly name: string;
  readonly pool: string;
}

/** What a node's sections add up to. */
export interface NodeSummary {
  readonly results: ResultCounts;
  readonly images: Readonly<Record<Verdict, number>>;
  /** Files that differ from what they should be. */
  readonly drift: number;
}

export interface StoredNode extends NodeIdentity {
  readonly session: number;
  readonly agentVersion: string | null;
  readonly hostName: string | null;
  readonly machineId: string | null;
  readonly bootId: string | null;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly retiredAtMs: number | null;
  readonly sections: Hashes;
  readonly summary: NodeSummary;
  /** Events the node or the aggregator had to record as lost, over all epochs. */
  readonly lost: number;
  /** Connected to another aggregator of this database. */
  readonly elsewhere: boolean;
}

/** Items of a section, each with its key. */
export type KeyedItems = readonly (readonly [key: string, item: Json])[];
