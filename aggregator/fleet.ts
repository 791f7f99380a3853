import type { Coverage, EventRecord, MissingNode, NodeItem, NodeState } from '../shared/api.ts';
import type { Clock } from '../shared/clock.ts';
import { hashRoot } from '../shared/report.ts';
import {
  causeOfAbsence,
  compareNodes,
  countStates,
  type FleetNode,
  fill,
  type InventoryNode,
  type LiveSession,
  newNode,
  type StateThresholds,
  stateOf,
  toItem,
} from './fleet-node.ts';
import type { SectionElsewhere } from './store/peers.ts';
import type {
  Applied,
  NodeIdentity,
  SectionChange,
  SessionOpened,
  Store,
  StoredNode,
} from './store/store.ts';
import { Watchers, type WatchListener } from './watchers.ts';

/** Changes of one moment are told together. */
const TELL_AFTER_MS = 50;

export interface FleetOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly thresholds: StateThresholds;
  /** Names of nodes that should report, whether or not they ever did. */
  readonly inventory: readonly InventoryNode[];
}
/**
 * The state of all nodes in memory: who was heard when, what their sections add up to, and who is told of changes.
 * The store holds what must survive; when a node was last heard is written there every few seconds only.
 */
export class Fleet {
  readonly #options: FleetOptions;
  /** By uid; a node of the inventory that was never seen is under `inventory:<name>`. */
  readonly #nodes = new Map<string, FleetNode>();
  readonly #watchers = new Watchers();
  readonly #changed = new Set<FleetNode>();
  readonly #unsaved = new Map<string, number>();
  #telling: NodeJS.Timeout | undefined;

  private constructor(options: FleetOptions) {
    this.#options = options;
  }

  static async load(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options);
    for (const stored of await options.store.nodes()) {
      const node = newNode(stored);
      fleet.#nodes.set(stored.uid, node);
      fill(node, stored);
      node.shown = fleet.#stateOf(node);
    }
    for (const expected of options.inventory) fleet.expect(expected);
    return fleet;
  }

  /** A node that should report; no change when one of this name is known. */
  expect(expected: InventoryNode): void {
    if (this.find(expected.name) !== undefined) return;
    const node = newNode({ uid: `inventory:${expected.name}`, ...expected });
    this.#nodes.set(node.uid, node);
    this.#change(node);
  }

  /** The node of this name; a retired one only when there is no other. */
  find(name: string): FleetNode | undefined {
    let found: FleetNode | undefined;
    for (const node of this.#nodes.values()) {
      if (node.name !== name) continue;
      if (!node.retired) return node;
      found = node;
    }
    return found;
  }

  get(uid: string): FleetNode | undefined {
    return this.#nodes.get(uid);
  }

  connected(
    identity: NodeIdentity,
    opened: SessionOpened,
    live: LiveSession,
    agentVersion: string,
  ): void {
    this.#nodes.delete(`inventory:${identity.name}`);
    const node = this.#nodes.get(identity.uid) ?? newNode(identity);
    this.#nodes.set(identity.uid, node);
    Object.assign(node, identity, { agentVersion, live, retired: false, elsewhere: false });
    node.conflictMs = undefined;
    node.sections = opened.have.sections;
    node.summary = opened.summary;
    this.#heardNow(node);
    this.#change(node);
    for (const uid of opened.replaced) this.retired(uid);
    for (const note of opened.notes) this.recorded(identity.uid, note);
  }

  disconnected(uid: string, session: number): void {
    const node = this.#nodes.get(uid);
    if (node?.live?.session === session) node.live = undefined;
  }

  /** Any byte from the node. */
  heard(uid: string): void {
    const node = this.#nodes.get(uid);
    if (node !== undefined) this.#heardNow(node);
  }

  /** Two machines were seen with the node's credential or name; over when one comes without another being there. */
  inConflict(uid: string): void {
    const node = this.#nodes.get(uid);
    if (node === undefined) return;
    node.conflictMs = this.#options.clock.monotonicMs();
    this.#change(node);
  }

  /** A node that was expected and is no longer; it never reported. */
  forget(uid: string): void {
    const node = this.#nodes.get(uid);
    if (node === undefined) return;
    this.#nodes.delete(uid);
    this.#watchers.tell({ topic: 'nodes', change: 'removed', item: this.item(node) });
  }

  retired(uid: string): void {
    const node = this.#nodes.get(uid);
    if (node === undefined) return;
    node.retired = true;
    node.live = undefined;
    this.#change(node);
  }

  /** A change of a section was committed; `upsert` are the items that came with it. */
  sectionApplied(
    uid: string,
    { section, upsert }: Pick<SectionChange, 'section' | 'upsert'>,
    applied: Applied & { kind: 'applied' },
  ): void {
    const node = this.#nodes.get(uid);
    if (node === undefined) return;
    node.sections = { ...node.sections, [section]: applied.hash };
    node.summary = applied.summary;
    if (applied.changed === 0) return;
    this.#change(node);
    if (!this.isWatched) return;
    const unchanged = new Set(applied.unchanged);
    const set = upsert.filter(([key]) => !unchanged.has(key));
    this.#watchers.tellItems(node.name, section, set, applied.removed);
  }

  /** What the store says of a node that is not connected here. */
  learned(stored: StoredNode): void {
    const node = this.#nodes.get(stored.uid) ?? newNode(stored);
    // Of a node that is connected here more is known here.
    if (node.live !== undefined && node.live.session >= stored.session) return;
    this.#nodes.delete(`inventory:${stored.name}`);
    this.#nodes.set(stored.uid, node);
    node.live = undefined;
    fill(node, stored);
    this.#change(node);
  }

  /** Another aggregator heard the node, at a time of its wall clock. */
  heardElsewhere(uid: string, atMs: number): void {
    const node = this.#nodes.get(uid);
    if (node === undefined || node.live !== undefined) return;
    const { clock } = this.#options;
    const heardMs = clock.monotonicMs() - Math.max(0, clock.nowMs() - atMs);
    node.heardMs = Math.max(heardMs, node.heardMs ?? heardMs);
    node.lastSeenMs = Math.max(atMs, node.lastSeenMs ?? atMs);
    if (this.#stateOf(node) !== node.shown) this.#change(node);
  }

  changedElsewhere({ uid, section, set, removed }: SectionElsewhere): void {
    const node = this.#nodes.get(uid);
    if (node !== undefined) this.#watchers.tellItems(node.name, section, set, removed);
  }

  get isWatched(): boolean {
    return !this.#watchers.isEmpty;
  }

  /** An event of the node, or the aggregator's own on it, was committed. */
  recorded(uid: string, event: EventRecord, lost = 0): void {
    const node = this.#nodes.get(uid);
    if (node !== undefined) node.lost += lost;
    this.#watchers.tell({ topic: 'events', change: 'set', item: event });
  }

  /** Hash over all sections as this side holds them. */
  rootHash(uid: string): string {
    return hashRoot(this.#nodes.get(uid)?.sections ?? {});
  }

  /** All nodes, worst first. */
  items(): readonly NodeItem[] {
    return [...this.#nodes.values()].map((node) => this.item(node)).sort(compareNodes);
  }

  item(node: FleetNode): NodeItem {
    return toItem(node, this.#stateOf(node));
  }

  /** For how many nodes an answer speaks; `names` limits it to those the question was about. */
  coverage(names?: ReadonlySet<string>): Coverage {
    const missing: MissingNode[] = [];
    let expected = 0;
    for (const node of this.#nodes.values()) {
      if (node.retired || (names !== undefined && !names.has(node.name))) continue;
      expected++;
      const cause = causeOfAbsence(node, this.#stateOf(node));
      if (cause !== undefined) missing.push({ node: node.name, cause });
    }
    missing.sort((a, b) => (a.node < b.node ? -1 : 1));
    return { expected, reporting: expected - missing.length, missing };
  }

  /** States of the nodes that do not report, by name. */
  absent(): ReadonlyMap<string, NodeState> {
    const absent = new Map<string, NodeState>();
    for (const node of this.#nodes.values()) {
      const state = this.#stateOf(node);
      if (state !== 'online' && state !== 'late') absent.set(node.name, state);
    }
    return absent;
  }

  countStates(): Readonly<Record<NodeState, number>> {
    return countStates(this.#nodes.values().map((node) => this.#stateOf(node)));
  }

  watch(listener: WatchListener): () => void {
    return this.#watchers.add(listener);
  }

  /** To be called every second or so: tells of states that changed by the mere passing of time. */
  tick(): void {
    for (const node of this.#nodes.values()) {
      if (this.#stateOf(node) !== node.shown) this.#change(node);
    }
  }

  /** Writes when nodes were last heard; to be called every 10 s and before the store is closed. */
  async flush(): Promise<void> {
    if (this.#unsaved.size === 0) return;
    const seen = new Map(this.#unsaved);
    this.#unsaved.clear();
    try {
      await this.#options.store.touch(seen);
    } catch (error) {
      for (const [uid, atMs] of seen) this.#unsaved.set(uid, this.#unsaved.get(uid) ?? atMs);
      throw error;
    }
  }

  #heardNow(node: FleetNode): void {
    const { clock } = this.#options;
    node.heardMs = clock.monotonicMs();
    node.lastSeenMs = clock.nowMs();
    this.#unsaved.set(node.uid, node.lastSeenMs);
    if (node.shown !== 'online') this.#change(node);
  }

  #stateOf(node: FleetNode): NodeState {
    const { clock, thresholds } = this.#options;
    const now = { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
    return stateOf(node, now, thresholds);
  }

  #change(node: FleetNode): void {
    this.#changed.add(node);
    this.#telling ??= setTimeout(() => this.#tellChanged(), TELL_AFTER_MS).unref();
  }

  #tellChanged(): void {
    this.#telling = undefined;
    for (const node of this.#changed) {
      const item = this.item(node);
      node.shown = item.state;
      this.#watchers.tell({ topic: 'nodes', change: 'set', item });
    }
    this.#changed.clear();
  }
}
