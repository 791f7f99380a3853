import type { Coverage, ImageItem, NodeState } from '../api.ts';
import type { Statement } from './statement.ts';

/** One node with what it says. */
export interface NodeReport<Item> {
  /** As people may see it. */
  readonly name: string;
  readonly pool: string;
  /** Absent in an export of a former time. */
  readonly state?: NodeState;
  /** When it was heard last, RFC 3339; null when never, or when that is not kept. */
  readonly lastSeen: string | null;
  readonly agentVersion: string | null;
  /** Since when it says this, RFC 3339 by its own clock; null when it never said anything. */
  readonly dataAsOf: string | null;
  /** Why it does not count as reporting; absent when it does. */
  readonly cause?: string;
  readonly items: readonly Item[];
}

/** What an export is made of: a fleet, or a part of it, at one time. Nodes come by name. */
export interface ExportSource {
  /** RFC 3339. */
  readonly generatedAt: string;
  /** The former time that was asked for, RFC 3339; absent for now. */
  readonly asOf?: string;
  /** Of nodeseal. */
  readonly version: string;
  /** Address below which the API of the aggregator is, without a slash at the end; '' when it is not known. */
  readonly link: string;
  readonly coverage: Coverage;
  findings(): AsyncIterable<NodeReport<Statement>>;
  images(): AsyncIterable<NodeReport<ImageItem>>;
}

/** One format: its name, what it is, and how its text comes of a source, piece by piece. */
export interface ExportFormat {
  readonly id: string;
  /** In a few words. */
  readonly title: string;
  readonly mediaType: string;
  /** Of a file's name, without the dot. */
  readonly extension: string;
  /** Which items of the nodes it tells of. */
  readonly about: 'findings' | 'images';
  write(source: ExportSource): AsyncIterable<string>;
}
