import type { Coverage, EventRecord, NodeItem, NodeState } from '../shared/api.ts';
import type { Clock } from '../shared/clock.ts';
import { hashRoot, type SectionName } from '../shared/report.ts';
import type { ExpectedNode, ExpectedSink, SourceStatus } from './coverage/expected.ts';
import { ExpectedNodes } from './coverage/expected-nodes.ts';
import { Failing } from './failing.ts';
import { coverageOf } from './fleet-coverage.ts';
import {
  compareNodes,
  type FleetNode,
  type LiveSession,
  lostIn,
  newNode,
  type StateThresholds,
  stateOf,
  toItem,
} from './fleet-node.ts';
import type { Applied, NodeIdentity, SessionOpened, Store } from './store/store.ts';
import { Watchers, type WatchListener } from './watchers.ts';

/** Changes of one moment are told together. */
const TELL_AFTER_MS = 50;

export interface FleetOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly thresholds: StateThresholds;
  /** Names of nodes that should report, whether or not they ever did. */
  readonly inventory: readonly InventoryNode[];
  /** How good the lists of expected nodes are. */
  readonly sources?: () => readonly SourceStatus[];
}
export interface InventoryNode {
  /** Known when the node has a credential already. */
  readonly uid?: string;
  readonly name: string;
  readonly pool: string;
}

/**
 * The state of all nodes in memory: who was heard when, what their sections add up to, and who is told of changes.
 * The store holds what must survive; when a node was last heard is written there every few seconds only.
 */
export class Fleet implements ExpectedSink {
  /** Rules that fail now, on which nodes. */
  readonly failing: Failing = new Failing();
  readonly #options: FleetOptions;
  readonly #expected = new ExpectedNodes();
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
      node.agentVersion = stored.agentVersion;
      node.sections = stored.sections;
      node.summary = stored.summary;
      node.lost = stored.lost;
      node.lastSeenMs = stored.lastSeenMs;
      node.retired = stored.retiredAtMs !== null;
      node.shown = fleet.#stateOf(node);
    }
    const present = [...fleet.#nodes.values()].filter(({ retired }) => !retired);
    await fleet.failing.load(options.store, new Map(present.map(({ name, uid }) => [name, uid])));
    fleet.listed('inventory', options.inventory);
    return fleet;
  }

  /** The whole list of one source takes the place of the one before. */
  listed(source: string, nodes: readonly ExpectedNode[]): void {
    this.#expected.set(source, nodes);
    const { missing, forgotten } = this.#expected.compare(this.#nodes);
    for (const uid of forgotten) this.forget(uid);
    for (const node of missing) {
      this.#nodes.set(node.uid, node);
      this.#change(node);
    }
    for (const { uid = '' } of nodes) Object.assign(this.#nodes.get(uid) ?? {}, { gone: false });
  }

  /** Nodes that exist no more; those that never reported are forgotten with the list. */
  gone(uids: readonly string[]): void {
    for (const uid of uids) Object.assign(this.#nodes.get(uid) ?? {}, { gone: true });
  }

  members(): Iterable<FleetNode> {
    return this.#nodes.values();
  }

  /** A node that has a credential and should report; no change when one of this name is known. */
  expect(expected: InventoryNode): void {
    const known = this.find(expected.name);
    const node = known ?? newNode({ uid: `inventory:${expected.name}`, ...expected });
    node.listed = false;
    if (known !== undefined) return;
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
    for (const { uid, name, lastSeenMs } of this.#nodes.values()) {
      const isPlaceholder = name === identity.name && lastSeenMs === null;
      if (isPlaceholder && uid !== identity.uid) this.#nodes.delete(uid);
    }
    const node = this.#nodes.get(identity.uid) ?? newNode(identity);
    this.#nodes.set(identity.uid, node);
    if (node.retired) this.failing.returned(node.uid, identity.name);
    Object.assign(node, identity, { agentVersion, live, retired: false, gone: false });
    node.conflictMs = undefined;
    node.refused = undefined;
    node.sections = opened.have.sections;
    this.#heardNow(node);
    this.#change(node);
    for (const uid of opened.replaced) this.retired(uid);
    for (const note of opened.notes) this.recorded(identity.uid, note, lostIn(note));
  }

  disconnected(uid: string, session: number): void {
    const node = this.#nodes.get(uid);
    if (node?.live?.session === session) node.live = undefined;
  }

  /** Its session was ended because its credential no longer holds. */
  refused(uid: string, why: string): void {
    Object.assign(this.#nodes.get(uid) ?? {}, { refused: why });
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
    this.#changed.delete(node);
    this.#watchers.tell({ topic: 'nodes', change: 'removed', item: this.item(node) });
  }

  retired(uid: string): void {
    const node = this.#nodes.get(uid);
    if (node === undefined) return;
    node.retired = true;
    node.live = undefined;
    this.failing.drop(uid);
    this.#change(node);
  }

  sectionApplied(uid: string, name: SectionName, applied: Applied & { kind: 'applied' }): void {
    const node = this.#nodes.get(uid);
    if (node === undefined) return;
    node.sections = { ...node.sections, [name]: applied.hash };
    node.summary = applied.summary;
    if (name === 'checks') this.failing.applied(uid, node.name, applied);
    if (applied.set.length + applied.removed.length === 0) return;
    this.#change(node);
    this.#watchers.tellItems(node.name, name, applied);
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
    return coverageOf(this.#nodes.values(), names, {
      stateOf: this.stateNow(),
      conditionsOf: (name) => this.#expected.conditionsOf(name),
      sources: this.#options.sources?.() ?? [],
    });
  }

  /** States of the nodes that do not report, by name. */
  absent(): ReadonlyMap<string, NodeState> {
    const absent = new Map<string, NodeState>();
    const stateNow = this.stateNow();
    for (const node of this.#nodes.values()) {
      const state = stateNow(node);
      if (state !== 'online' && state !== 'late') absent.set(node.name, state);
    }
    return absent;
  }

  watch(listener: WatchListener): () => void {
    return this.#watchers.add(listener);
  }

  /** To be called every second or so: tells of states that changed by the mere passing of time. */
  tick(): void {
    const stateNow = this.stateNow();
    for (const node of this.#nodes.values()) {
      if (stateNow(node) !== node.shown) this.#change(node);
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
    return this.stateNow()(node);
  }

  /** States of this moment; the clock is read once, whatever the number of nodes. */
  stateNow(): (node: FleetNode) => NodeState {
    const { clock, thresholds } = this.#options;
    const now = { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
    return (node) => stateOf(node, now, thresholds);
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
