// One piece: whatever changes what is known of a node is told to its watchers, and counted, from here alone.
import type { Coverage, EventRecord, NodeItem, NodeState } from '../shared/api.ts';
import type { Clock } from '../shared/clock.ts';
import { compareNodes } from '../shared/node-order.ts';
import { hashRoot } from '../shared/report.ts';
import type { ExpectedNode, ExpectedSink, SourceStatus } from './coverage/expected.ts';
import { ExpectedNodes, placeholder } from './coverage/expected-nodes.ts';
import { Failing } from './failing.ts';
import { absentAmong, coverageOf } from './fleet-coverage.ts';
import {
  type FleetNode,
  fill,
  heardAt,
  type InventoryNode,
  type LiveSession,
  lostIn,
  newNode,
  type StateThresholds,
  stateOf,
  toItem,
} from './fleet-node.ts';
import { FleetNodes } from './fleet-nodes.ts';
import { LastSeen } from './last-seen.ts';
import { PendingNodes } from './pending-nodes.ts';
import { MOST_LOST } from './store/event-plan.ts';
import type { SectionElsewhere } from './store/peers.ts';
import type { Applied, SectionChange, SessionOpened, Store } from './store/store.ts';
import type { NodeIdentity, StoredNode } from './store/stored-node.ts';
import { Watchers, type WatchListener } from './watchers.ts';

export interface FleetOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly thresholds: StateThresholds;
  /** Names of nodes that should report, whether or not they ever did. */
  readonly inventory: readonly InventoryNode[];
  /** How good the lists of expected nodes are. */
  readonly sources?: () => readonly SourceStatus[];
}

/** Aggregators write every 10 s when nodes were heard, and look as often. */
const MOMENT_MS = 10_000;

/**
 * The state of all nodes in memory: who was heard when, what their sections add up to, and who is told of changes.
 * The store holds what must survive; when a node was last heard is written there every few seconds only.
 */
export class Fleet implements ExpectedSink {
  /** Rules that fail now, on which nodes. */
  readonly failing: Failing = new Failing();
  readonly #options: FleetOptions;
  readonly #expected = new ExpectedNodes();
  readonly #nodes = new FleetNodes((placeholder) => this.#removed(placeholder));
  readonly #watchers = new Watchers();
  readonly #changed = new PendingNodes((node) => this.#tell(node));
  readonly #lastSeen: LastSeen;

  private constructor(options: FleetOptions) {
    this.#options = options;
    this.#lastSeen = new LastSeen(options.store);
  }

  static async load(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options);
    for (const stored of await options.store.nodes()) {
      const node = newNode(stored);
      fleet.#nodes.set(stored.uid, node);
      fill(node, stored, options.clock);
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
      this.#changed.add(node);
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

  /**
   * A node that has a credential and should report; no change when one of this name is there. A retired node does not
   * come back by the credential that it had.
   */
  expect(expected: InventoryNode): void {
    const known = this.find(expected.name);
    this.#expect(expected, known?.retired === true ? undefined : known);
  }

  expectAll(expected: readonly InventoryNode[]): void {
    const there = this.#nodes.there();
    for (const each of expected) {
      const node = this.#expect(each, there.get(each.name));
      if (node !== undefined) there.set(node.name, node);
    }
  }

  /** The node of this name, now or at a time (milliseconds since 1970); a retired one only when there is no other. */
  find(name: string, asOfMs?: number): FleetNode | undefined {
    return this.#nodes.find(name, asOfMs);
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
    const node = this.#nodes.present(identity);
    // What another aggregator brought last may not be known here yet.
    const isOther = node.retired || node.name !== identity.name;
    if (isOther || node.sections.checks !== opened.have.sections.checks) {
      this.failing.outdated(node.uid, identity.name);
    }
    const isHere = { live, last: undefined, retired: false, retiredMs: null, elsewhere: false };
    Object.assign(node, identity, { agentVersion, ...isHere });
    node.gone = false;
    node.conflictMs = undefined;
    node.refused = undefined;
    node.sections = opened.have.sections;
    node.summary = opened.summary;
    this.#heardNow(node);
    this.#changed.add(node);
    for (const uid of opened.replaced) this.retired(uid);
    for (const note of opened.notes) this.recorded(identity.uid, note, lostIn(note));
  }

  disconnected(uid: string, session: number): void {
    const node = this.#nodes.get(uid);
    if (node?.live?.session !== session) return;
    node.last = { ...node.live, endedMs: this.#options.clock.nowMs() };
    node.live = undefined;
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
    this.#changed.add(node);
  }

  /** A node that was expected and is no longer; it never reported. */
  forget(uid: string): void {
    const node = this.#nodes.get(uid);
    if (node === undefined) return;
    this.#nodes.delete(uid);
    this.#removed(node);
  }

  retired(uid: string): void {
    const node = this.#nodes.get(uid);
    if (node === undefined) return;
    node.retired = true;
    node.retiredMs = this.#options.clock.nowMs();
    node.live = undefined;
    this.failing.drop(uid);
    this.#changed.add(node);
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
    this.#changed.add(node);
    if (section !== 'checks' && !this.isWatched) return;
    const unchanged = new Set(applied.unchanged);
    const set = upsert.filter(([key]) => !unchanged.has(key));
    const { removed } = applied;
    if (section === 'checks') this.failing.applied(uid, node.name, { set, removed });
    this.#watchers.tellItems(node.name, section, set, removed);
  }

  /** What the store says of a node that is not connected here. */
  learned(stored: StoredNode): void {
    const { uid } = stored;
    const live = this.#nodes.get(uid)?.live;
    // Of a node that is connected here more is known here.
    if (live !== undefined && live.session >= stored.session) return;
    const isThere = stored.retiredAtMs === null;
    const node = isThere ? this.#nodes.present(stored) : this.#nodes.any(stored);
    const { retired: wasRetired, name: oldName, sections: before } = node;
    node.live = undefined;
    fill(node, stored, this.#options.clock);
    if (node.elsewhere) node.refused = undefined;
    if (wasRetired && !node.retired) node.gone = false;
    if (node.retired) this.failing.drop(uid);
    else if (wasRetired || node.name !== oldName || node.sections.checks !== before.checks) {
      this.failing.outdated(uid, node.name);
    }
    this.#changed.add(node);
  }

  /** Another aggregator heard the node a moment ago, at a time of its wall clock, which may be another. */
  heardElsewhere(uid: string, atMs: number): void {
    const { clock } = this.#options;
    const node = this.#nodes.get(uid);
    if (node === undefined || node.live !== undefined) return;
    const nowMs = clock.nowMs();
    heardAt(node, Math.min(nowMs, Math.max(atMs, nowMs - MOMENT_MS)), clock);
    if (this.#stateOf(node) !== node.shown) this.#changed.add(node);
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
    if (node !== undefined) node.lost = Math.min(node.lost + lost, MOST_LOST);
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
    return absentAmong(this.#nodes.values(), this.stateNow());
  }

  watch(listener: WatchListener): () => void {
    return this.#watchers.add(listener);
  }

  /** To be called every second or so: tells of states that changed by the mere passing of time. */
  tick(): void {
    const stateNow = this.stateNow();
    for (const node of this.#nodes.values()) {
      if (stateNow(node) !== node.shown) this.#changed.add(node);
    }
  }

  /** Writes when nodes were last heard; to be called every 10 s and before the store is closed. */
  async flush(): Promise<void> {
    await this.#lastSeen.flush();
  }

  #expect(expected: InventoryNode, known: FleetNode | undefined): FleetNode | undefined {
    if (known !== undefined) {
      known.listed = false;
      return known;
    }
    if (expected.uid !== undefined && this.#nodes.has(expected.uid)) return undefined;
    const node = { ...placeholder(expected, this.#nodes), listed: false };
    this.#nodes.set(node.uid, node);
    this.#changed.add(node);
    return node;
  }

  #heardNow(node: FleetNode): void {
    const { clock } = this.#options;
    node.heardMs = clock.monotonicMs();
    node.lastSeenMs = clock.nowMs();
    this.#lastSeen.heard(node.uid, node.lastSeenMs);
    if (node.shown !== 'online') this.#changed.add(node);
  }

  #stateOf(node: FleetNode): NodeState {
    return this.stateNow()(node);
  }

  /** States of this moment; the clock is read once, whatever the number of nodes. */
  stateNow(): (node: FleetNode) => NodeState {
    const { clock, thresholds } = this.#options;
    const nowMs = clock.monotonicMs();
    return (node) => stateOf(node, nowMs, thresholds);
  }

  #removed(node: FleetNode): void {
    this.#changed.delete(node);
    this.#watchers.tell({ topic: 'nodes', change: 'removed', item: this.item(node) });
  }

  #tell(node: FleetNode): void {
    const item = this.item(node);
    node.shown = item.state;
    this.#watchers.tell({ topic: 'nodes', change: 'set', item });
  }
}
