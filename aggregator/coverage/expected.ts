/** A node that should report, as a source outside of nodeseal knows it. */
export interface ExpectedNode {
  readonly name: string;
  readonly pool: string;
  /** What the node's credential will say; known where a source names nodes as credentials do. */
  readonly uid?: string;
  /** What else the source says that explains silence: `node not ready`, `cordoned`. */
  readonly conditions?: readonly string[];
}

/** How good the list of one source is. */
export interface SourceStatus {
  /** `kubernetes`, `inventoryFile`. */
  readonly source: string;
  /** When the list was known to be right last, milliseconds since 1970; null when there never was one. */
  readonly asOfMs: number | null;
  readonly nodes: number;
  /** Why the list is not renewed; undefined while it is. */
  readonly reason: string | undefined;
}

/** A list of expected nodes that is kept up to date until it is disposed. */
export interface ExpectedSource extends AsyncDisposable {
  status(): SourceStatus;
}

/** Takes the whole list of a source in place of the one before, and nodes that the source says exist no more. */
export interface ExpectedSink {
  listed(source: string, nodes: readonly ExpectedNode[]): void;
  /** Uids of nodes that were in the list and are gone from it. */
  gone(uids: readonly string[]): void;
}
