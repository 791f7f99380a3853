import type { OfNode } from '../shared/api.ts';
import type { ItemReader } from './answers.ts';
import type { Query } from './client.ts';
import type { Presentation } from './output/column.ts';

/** Every type of `get`. */
export const TYPES = [
  'nodes',
  'findings',
  'images',
  'drift',
  'events',
  'checks',
  'policies',
] as const;
export type ResourceType = (typeof TYPES)[number];

/** One type of `get`: where it is asked for, how its items are read, chosen and shown. */
export interface Resource<Item> {
  /** Plural, as in the path `/v1/…`. */
  readonly type: ResourceType;
  readonly kind: string;
  readonly read: ItemReader<Item>;
  /** What NAME is compared with. */
  namesOf(item: Item): readonly string[];
  /** The query that finds one NAME; absent, or undefined, where all items have to be looked at. */
  readonly nameQuery?: (name: string) => Query | undefined;
  /** The nodes it speaks of; absent for what is summed up over all nodes. */
  readonly nodesOf?: (item: Item) => readonly string[];
  /** Among all items of the fleet. */
  keyOf(item: Item): string;
  /** Members that selectors may name. */
  readonly fields: readonly string[];
  /** Fields that the aggregator can choose by itself, with the name of its query parameter. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Whether changes of it are told by `/v1/watch`. */
  readonly isWatched: boolean;
  /** Whether it comes in pages. */
  readonly isPaged: boolean;
  /** What a plain `get` leaves out, unless `--all` or a selector of one of the fields `unless`. */
  readonly omits?: {
    readonly field: string;
    readonly values: readonly string[];
    readonly unless: readonly string[];
  };
  /** The order of its list, where changes have to be put in; absent: the newest first. */
  readonly compare?: (a: Item, b: Item) => number;
  presentation(nowMs: number): Presentation<Item>;
  /** How items that say the same of several nodes stand in one row; absent where there is nothing to group. */
  readonly grouping?: Grouping<Item>;
}

/** Items of several nodes that say the same. */
export interface Group<Item> {
  /** The first of them: what they all say. */
  readonly item: Item;
  /** Names of the nodes, each once, as they came. */
  readonly nodes: readonly string[];
  /** The same as people read them: with the state of one that does not report. */
  readonly shown: readonly string[];
}

export interface Grouping<Item> {
  /** Equal for items that say the same, whatever their node. */
  sameOf(item: Item): string;
  /** The node that says it. */
  nodeOf(item: Item): OfNode;
  /** The order of groups; worst first. */
  compare(a: Group<Item>, b: Group<Item>): number;
}
