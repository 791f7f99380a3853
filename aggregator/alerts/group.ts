import type { Condition, Subject } from './condition.ts';

/** Times in milliseconds. */
export interface HoldDown {
  /** A condition must hold so long on a node before it counts. */
  readonly holdMs: number;
  /** And be gone so long before it counts no more. */
  readonly resolveMs: number;
  /** News of more nodes with an alert that is on are told so often at most. */
  readonly groupMs: number;
}

/** What of a group must not be forgotten over a restart. */
export interface GroupState {
  readonly key: string;
  readonly subject: Subject;
  /** Nodes it counts for: uid and name. */
  readonly nodes: readonly (readonly [uid: string, name: string])[];
  /** When the alert went on, milliseconds since 1970. */
  readonly startsAtMs: number;
  /** False when it was so before anybody was to be told. */
  readonly isTold: boolean;
}

export type GroupChange = 'firing' | 'more' | 'resolved';

/** One condition over many nodes, held down: what flaps faster than the times given changes nothing. */
export class AlertGroup {
  readonly key: string;
  subject: Subject;
  startsAtMs: number;
  isTold: boolean;
  readonly #nodes: Map<string, string>;
  /** Nodes that joined or left and do not count yet, with the monotonic time since when. */
  readonly #pending = new Map<string, number>();
  #isMore = false;
  #isChanged = false;
  #toldMs: number;
  #version: number | undefined;

  constructor({ key, subject, nodes, startsAtMs, isTold }: GroupState, nowMs: number) {
    this.key = key;
    this.subject = subject;
    this.startsAtMs = startsAtMs;
    this.isTold = isTold;
    this.#nodes = new Map(nodes);
    this.#toldMs = nowMs;
  }

  /** Names of the nodes it counts for, sorted. */
  get names(): readonly string[] {
    return [...this.#nodes.values()].sort();
  }

  get isOn(): boolean {
    return this.#nodes.size > 0;
  }

  /** Nothing counts and nothing is about to. */
  get isOver(): boolean {
    return this.#nodes.size === 0 && this.#pending.size === 0;
  }

  /** Whether what must not be forgotten has changed since this was asked last. */
  takeChanged(): boolean {
    const isChanged = this.#isChanged;
    this.#isChanged = false;
    return isChanged;
  }

  state(): GroupState {
    const { key, subject, startsAtMs, isTold } = this;
    return { key, subject, nodes: [...this.#nodes], startsAtMs, isTold };
  }

  /** Takes in what is so now, and says what there is to tell. */
  update(
    { nodes: now, version }: Pick<Condition, 'nodes' | 'version'>,
    nowMs: number,
    times: HoldDown,
    wallMs: number,
  ): GroupChange | undefined {
    const isSame = version !== undefined && version === this.#version;
    if (isSame && this.#pending.size === 0 && !this.#isMore) return undefined;
    this.#version = version;
    const wasOn = this.isOn;
    const hasJoined = this.#settle(now, nowMs, times);
    if (hasJoined) {
      this.#isChanged = true;
      // It is one change: who has just begun to show it is told of with the others.
      for (const [uid, { name }] of now) this.#nodes.set(uid, name);
      for (const uid of now.keys()) this.#pending.delete(uid);
    }
    if (!wasOn && this.isOn) {
      this.startsAtMs = wallMs;
      return this.#tell('firing', nowMs);
    }
    if (wasOn && !this.isOn) {
      this.#isMore = false;
      return this.isTold ? this.#tell('resolved', nowMs) : undefined;
    }
    this.#isMore ||= hasJoined;
    return this.#isMore && nowMs - this.#toldMs >= times.groupMs
      ? this.#tell('more', nowMs)
      : undefined;
  }

  #tell(change: GroupChange, nowMs: number): GroupChange {
    this.#toldMs = nowMs;
    this.#isMore = false;
    this.isTold = change !== 'resolved';
    return change;
  }

  /** Moves the nodes whose time has come; true when one joined. */
  #settle(now: Condition['nodes'], nowMs: number, { holdMs, resolveMs }: HoldDown): boolean {
    let hasJoined = false;
    for (const uid of this.#pending.keys()) {
      // Back to what counts: the time starts anew.
      if (now.has(uid) === this.#nodes.has(uid)) this.#pending.delete(uid);
    }
    for (const uid of now.keys()) {
      if (this.#nodes.has(uid) || nowMs - this.#since(uid, nowMs) < holdMs) continue;
      hasJoined = true;
    }
    for (const uid of this.#nodes.keys()) {
      if (now.has(uid) || nowMs - this.#since(uid, nowMs) < resolveMs) continue;
      this.#nodes.delete(uid);
      this.#pending.delete(uid);
      this.#isChanged = true;
    }
    return hasJoined;
  }

  #since(uid: string, nowMs: number): number {
    const sinceMs = this.#pending.get(uid) ?? nowMs;
    this.#pending.set(uid, sinceMs);
    return sinceMs;
  }
}
