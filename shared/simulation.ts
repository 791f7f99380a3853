import type { API_VERSION, Coverage } from './api.ts';
import type { ImageUser, Verdict } from './images.ts';

/**
 * The rehearsal of a policy: what it would say of the images that nodes hold, beside what the policy in force says. A
 * candidate goes to nodes, each answers with one outcome for each image and name, and the answers become one result.
 */

/** The verb by which a node is asked, also among the capabilities of its agent as `command.evaluatePolicy`. */
export const EVALUATE_POLICY = 'evaluatePolicy' as const;

export const CANDIDATE_LIMITS = {
  /** Policy and files of registries.d together, bytes of UTF-8: a command fits into one frame. */
  bytes: 786_432,
  files: 256,
  /** A file's name, bytes. */
  name: 255,
} as const;

/** One file of registries.d. */
export interface CandidateFile {
  /** Without a folder: `vendor.yaml`. */
  readonly name: string;
  readonly text: string;
}

/** A policy that is not in force yet. */
export interface SimulationCandidate {
  /** Text of a policy.json. */
  readonly policy: string;
  /**
   * `replace`: it takes the place of every policy that judges for the node as a whole. `add`: its requirements are added
   * to those of the same scope in every policy of the node, and sigstore attachments are switched on for its scopes and
   * their mirrors, as the machine-config-operator does with a ClusterImagePolicy; its `default` counts for nothing.
   */
  readonly policyMode: 'replace' | 'add';
  /** Absent: every node keeps the files it has. */
  readonly registriesD?: readonly CandidateFile[];
  /** `replace`: the folder holds these files alone. `add`: they are put beside and over those the node has. */
  readonly registriesDMode: 'replace' | 'add';
}

/** One image under one name on one node, as it is judged now and would be judged after the change. */
export interface ImageOutcome {
  /** Hex. */
  readonly imageId: string;
  /** `<none>` for a nameless image. */
  readonly reference: string;
  readonly digest: string;
  /** The namespace whose own policy judges; absent for the node as a whole. */
  readonly namespace?: string;
  /** Containers on the node that are made of it: an image without is stored, not in use. */
  readonly pods: readonly ImageUser[];
  readonly now: Verdict;
  /** Why, of `now`; as in `ImageVerdict`. */
  readonly nowReason?: string;
  readonly after: Verdict;
  /** Why, of `after`. */
  readonly reason?: string;
  readonly message?: string;
  /** The scope that would speak: `docker "quay.io/x"` or `default`; '' where there is none. */
  readonly scope: string;
}

/** What one node answers. */
export interface NodeSimulation {
  /** Path of the policy whose place the candidate takes. */
  readonly policy: string;
  readonly images: readonly ImageOutcome[];
  /** What could not be read of the store or of who uses it: there may be more images than these. */
  readonly gaps: readonly string[];
  /** What a reader of the result should know of this node, as a policy of CRI-O in another place. */
  readonly notes: readonly string[];
}

/**
 * Where the outcomes of a node come from. `live`: it was asked. `snapshot`: a file that holds its images and signatures.
 * `lastKnown`: it could not be asked; what it said last was judged as far as that can be done without its signatures.
 * `none`: nothing is known.
 */
export const SIMULATION_SOURCES = ['live', 'snapshot', 'lastKnown', 'none'] as const;
export type SimulationSource = (typeof SIMULATION_SOURCES)[number];

/** One node's part in a result. */
export interface NodeAnswer {
  readonly node: string;
  readonly source: SimulationSource;
  /** RFC 3339: when the images were as the outcomes have it; null where nothing is known. */
  readonly asOf: string | null;
  /** Why the node did not answer. */
  readonly problem?: string;
  /** Absent for source `none`. */
  readonly simulation?: NodeSimulation;
}

export type VerdictCounts = Readonly<Record<Verdict, number>>;

/**
 * `newlyRefused`: allowed or unknown now, refused after. `newlyAccepted`: refused now, allowed after. `noLongerVerified`:
 * signed as asked now, nothing asked after. These two are a weakening. `undecided`: nobody can say what would be after.
 */
export const IMAGE_CHANGES = [
  'newlyRefused',
  'newlyAccepted',
  'noLongerVerified',
  'undecided',
] as const;
export type ImageChangeKind = (typeof IMAGE_CHANGES)[number];

/** The same change of the same image for the same reason, on however many nodes. */
export interface ImageChange {
  readonly change: ImageChangeKind;
  readonly reference: string;
  readonly digest: string;
  readonly now: Verdict;
  readonly after: Verdict;
  readonly nowReason?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly scope: string;
  /** In order of name. */
  readonly nodes: readonly string[];
  /** Of these nodes those whose outcome is not from now. */
  readonly staleNodes: readonly string[];
  /** Pods that use it on these nodes, and containers of podman. */
  readonly pods: number;
  /** Namespaces of the pods, in order. */
  readonly namespaces: readonly string[];
  /** What can be done about it; absent where there is nothing to say. */
  readonly hint?: string;
}

/** A scope of the candidate that is passed over because narrower ones speak in its place. */
export interface ShadowedScope {
  readonly scope: string;
  /** The scopes that speak instead, in order. */
  readonly by: readonly string[];
  /** Image uses that these take away from it. */
  readonly hidden: number;
  /** Image uses for which it speaks itself; 0: it is without effect on what the nodes hold. */
  readonly matched: number;
}

/** One node in a result. */
export interface SimulatedNode extends Omit<NodeAnswer, 'simulation'> {
  readonly now: VerdictCounts;
  readonly after: VerdictCounts;
  readonly gaps: readonly string[];
  readonly notes: readonly string[];
}

/** What a candidate would change for a fleet; one node alone is a fleet of one. `-o json` of `nodeseal simulate`. */
export interface SimulationResult {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'Simulation';
  readonly candidate: {
    /** `sha256:…` of the text of its policy. */
    readonly digest: string;
    readonly policyMode: SimulationCandidate['policyMode'];
    readonly registriesD: SimulationCandidate['registriesDMode'] | 'keep';
  };
  /** True when what is unknown counts as refused. */
  readonly strict: boolean;
  /** True when only images in use were counted. */
  readonly onlyRunning: boolean;
  readonly summary: {
    /** Nodes that take part with outcomes. */
    readonly nodes: number;
    /** An image under one name on one node each. */
    readonly uses: number;
    /** Distinct images by digest. */
    readonly images: number;
    readonly now: VerdictCounts;
    readonly after: VerdictCounts;
    /** Uses by what changes for them. */
    readonly changes: Readonly<Record<ImageChangeKind, number>>;
  };
  /** In the order of `IMAGE_CHANGES`, then the most nodes first. */
  readonly items: readonly ImageChange[];
  /** Scopes of the candidate that speak for no image, and are not shadowed. */
  readonly neverMatched: readonly string[];
  readonly shadowed: readonly ShadowedScope[];
  readonly nodes: readonly SimulatedNode[];
  /** Absent for one node alone. */
  readonly coverage?: Coverage;
}
