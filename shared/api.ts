import type { Json } from './canonical.ts';
import type { Mapping, Remediation, RuleResult } from './findings.ts';
import type { ImageVerdict, Verdict } from './images.ts';
import type { EventClass } from './protocol.ts';
import type { SectionName } from './report.ts';
import type { Result, ResultCounts, Severity } from './results.ts';

/** What the aggregator's HTTP API and `-o json` of the command line say, in one place (PRODUCT.md, "JSON"). */
export const API_VERSION = 'nodeseal.dev/v1' as const;

/** Why a node that is expected does not count as reporting. */
export interface MissingNode {
  readonly node: string;
  readonly cause: string;
}
/** Where it is known from which nodes should report, and since when nothing newer is known. */
export interface CoverageSource {
  /** `kubernetes`, `inventoryFile`. */
  readonly source: string;
  /** When the list was known to be right last, RFC 3339; null when there never was one. */
  readonly asOf: string | null;
  readonly nodes: number;
  /** Why there is nothing newer; absent while the list is kept up to date. */
  readonly reason?: string;
}
/** For how many nodes an answer speaks: no data is not a pass. */
export interface Coverage {
  readonly expected: number;
  readonly reporting: number;
  readonly missing: readonly MissingNode[];
  /** Absent when only the configuration and credentials say which nodes to expect. */
  readonly sources?: readonly CoverageSource[];
}

export interface List<Kind extends string, Item> {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: Kind;
  readonly items: readonly Item[];
  /** Absent in node-local lists. */
  readonly coverage?: Coverage;
  /** Pass as `continue` to get the next page; absent on the last. */
  readonly continue?: string;
}

export const NODE_STATES = [
  'expected',
  'online',
  'late',
  'silent',
  'stale',
  'conflict',
  'retired',
] as const;
export type NodeState = (typeof NODE_STATES)[number];

export interface NodeItem {
  readonly name: string;
  readonly uid: string;
  readonly pool: string;
  readonly state: NodeState;
  readonly results: ResultCounts;
  /** The result that speaks for all of the node's rules. */
  readonly worst: Result;
  /** Files that differ from what they should be. */
  readonly drift: number;
  readonly images: Readonly<Record<Verdict, number>>;
  /** RFC 3339; null when never seen. */
  readonly lastSeen: string | null;
  readonly agentVersion: string | null;
}
export type NodeList = List<'NodeList', NodeItem>;

/** One node with everything one would ask next. */
export interface NodeDetail {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'Node';
  readonly node: NodeItem;
  /** Sections `host`, `trust`, `files`, `agent` as the node reported them: key to item. */
  readonly sections: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  /**
   * When each section became what it is, by the node's clock (RFC 3339); it says the same since. One that is not here
   * was never reported, or is not known for the time that was asked for.
   */
  readonly reported?: Readonly<Partial<Record<SectionName, string>>>;
  /** Why the node does not count as reporting; absent for one that does. */
  readonly absence?: string;
  readonly findings: readonly FindingItem[];
  readonly images: readonly ImageItem[];
  readonly events: readonly EventRecord[];
  readonly session: {
    readonly connected: boolean;
    readonly since: string | null;
    readonly rootHash: string | null;
    readonly unsentRecords: number;
    readonly lostRecords: number;
    readonly clockSkewSeconds: number | null;
    /** What the agent says of itself, as `SpoolDegraded`; empty when all is well or it is not connected. */
    readonly conditions?: readonly string[];
    /**
     * What a node that is not connected said last; null when that is not known here, as after a restart of the
     * aggregator. Absent for one that is connected.
     */
    readonly lastWords?: LastWords | null;
  };
}

/** The end of a node's last session. */
export interface LastWords {
  /** RFC 3339, the aggregator's clock. */
  readonly at: string;
  /** When that session began. */
  readonly since: string;
  /** Events the node still had to send, as it said last. */
  readonly unsentRecords: number;
  readonly clockSkewSeconds: number | null;
  readonly conditions: readonly string[];
}

/** What one node says, and whether it still says it. */
export interface OfNode {
  readonly node: string;
  /** State of a node that does not report now: what it says is what it said last. Absent for one that reports. */
  readonly nodeState?: NodeState;
}

export interface FindingItem extends RuleResult, OfNode {
  /**
   * Since when the result is what it is, by the node's clock (RFC 3339): in the answers about one node or one rule, for
   * what does not pass, as far back as events are kept.
   */
  readonly since?: string;
}
export type FindingList = List<'FindingList', FindingItem>;

export interface ImageItem extends ImageVerdict, OfNode {}
export type ImageList = List<'ImageVerdictList', ImageItem>;

/** Files that differ from what they should be, or cannot be compared: what `DriftList` holds. */
export const DIFFERING_CLASSES = ['managed-drift', 'unknown', 'vendor-modified'] as const;
/** What a file is to those who manage the node, as the agent compared it. */
export const FILE_CLASSES = [
  'managed-drift',
  'unknown',
  'vendor-modified',
  'unmanaged',
  'managed',
  'vendor',
] as const;
export type FileClass = (typeof FILE_CLASSES)[number];

/** One file of a node's trust configuration beside what it should be. */
export interface DriftItem extends OfNode {
  readonly path: string;
  readonly class: FileClass;
  /** Why there is nothing to compare: `missing`, `permission`, … */
  readonly reason?: string;
  readonly sha256: string | null;
  readonly mode: number | null;
  /** Owner, as ids; absent in reports of earlier agents. */
  readonly uid?: number | null;
  readonly gid?: number | null;
  readonly expectedSha256?: string;
  readonly expectedMode?: number;
  readonly expectedUid?: number;
  readonly expectedGid?: number;
  /** Who manages it: the name of a MachineConfig, or who accepted the baseline when. */
  readonly manager?: string;
}
export type DriftList = List<'DriftList', DriftItem>;

/** One rule over all nodes. */
export interface CheckItem {
  readonly ruleId: string;
  readonly checkId: string;
  readonly title: string;
  /** The worst severity any node gives it. */
  readonly severity: Severity;
  /** How many nodes have a finding of each result; a rule with several subjects may count a node more than once. */
  readonly nodes: ResultCounts;
  readonly worst: Result;
  readonly remediation: Remediation;
  readonly mappings: readonly Mapping[];
}
export type CheckList = List<'CheckList', CheckItem>;

/** One rule with what every node says of it. */
export interface CheckDetail {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'Check';
  readonly check: CheckItem;
  /** Worst first, at most 5,000. */
  readonly findings: readonly FindingItem[];
  readonly coverage: Coverage;
}

/** Answer to `GET /v1/version`. */
export interface ServerVersion {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'ServerVersion';
  readonly version: string;
  /** Of Node.js, `v24.1.0`. */
  readonly node: string;
  readonly openssl: string;
  /** Whether OpenSSL calculates with validated algorithms only. */
  readonly fips: boolean;
  readonly platform: string;
  /** `schema`: the version of the tables this program writes. */
  readonly store: { readonly kind: 'sqlite' | 'postgres'; readonly schema: number };
}

/** Answer of a node to a command (`POST /v1/nodes/NAME/rescan`). */
export interface CommandAnswer {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'CommandResult';
  readonly node: string;
  readonly verb: string;
  readonly data: readonly Json[];
}

export interface EventRecord {
  readonly node: string;
  readonly epoch: string;
  readonly sequence: number;
  /** RFC 3339, the node's clock. */
  readonly at: string;
  /** RFC 3339, the aggregator's clock. */
  readonly receivedAt: string;
  readonly kind: string;
  readonly class: EventClass;
  readonly data: Readonly<Record<string, Json>>;
}
export type EventList = List<'EventList', EventRecord>;

/** One message of `/v1/watch`: the server-sent event is named by `topic`, its data is this object. */
export type WatchMessage =
  | { readonly topic: 'nodes'; readonly change: 'set' | 'removed'; readonly item: NodeItem }
  | { readonly topic: 'findings'; readonly change: 'set' | 'removed'; readonly item: FindingItem }
  | { readonly topic: 'images'; readonly change: 'set' | 'removed'; readonly item: ImageItem }
  | { readonly topic: 'events'; readonly change: 'set'; readonly item: EventRecord };

/** RFC 9457 problem details; `code` is stable and safe to switch on. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly code: string;
}

/** The item of `CheckResultList` (`nodeseal check`): no server, so with the time it took. */
export interface CheckResultItem extends RuleResult {
  readonly durationMs: number;
}
export interface CheckResultList extends List<'CheckResultList', CheckResultItem> {
  /** Name of the profile by which the results count, or the path of its file. */
  readonly profile: string;
  readonly summary: ResultCounts;
}
