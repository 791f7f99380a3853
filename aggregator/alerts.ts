import { randomUUID } from 'node:crypto';
import type { Clock } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import type { Severity } from '../shared/results.ts';
import {
  type Condition,
  conflictCondition,
  coverageCondition,
  type Family,
  failingConditions,
} from './alerts/condition.ts';
import { AlertGroup, type HoldDown } from './alerts/group.ts';
import { type Notice, toNotice } from './alerts/notice.ts';
import type { Sink } from './alerts/sink.ts';
import type { AlertsState, AlertsStateRecord } from './alerts/state-record.ts';
import type { Fleet } from './fleet.ts';

export interface AlertsOptions {
  readonly fleet: Fleet;
  readonly sinks: readonly Sink[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly times: HoldDown;
  /** Rules of less severity are not told. */
  readonly atLeast: Severity;
  /** Added to every notice. */
  readonly labels: Readonly<Record<string, string>>;
  readonly record: AlertsStateRecord;
  /** So long after the start nodes may take to come back before they are missed. */
  readonly returnMs: number;
}

/** What is not written yet, and was not to be told, is written this often at most: with many nodes it is much. */
const KEEP_MS = 5000;
const NOBODY: Pick<Condition, 'nodes'> = { nodes: new Map() };

/**
 * Tells of changes: a rule that begins to fail, a node that falls silent, each over all nodes as one, and when it is
 * over. What was so when alerts were first configured is no news; what changed during a restart is.
 */
export class Alerts implements AsyncDisposable {
  readonly #options: AlertsOptions;
  readonly #groups = new Map<string, AlertGroup>();
  readonly #families: Set<Family>;
  readonly #startedMs: number;
  #unkept = false;
  #isNews = false;
  /** Notices that wait, as it was written. */
  #keptWaiting = 0;
  #isOver = false;
  #keptMs = Number.NEGATIVE_INFINITY;

  constructor(options: AlertsOptions, { families, groups }: AlertsState) {
    this.#options = options;
    this.#families = new Set(families);
    this.#startedMs = options.clock.monotonicMs();
    this.#keptWaiting = this.#waitingCount();
    for (const state of groups) this.#groups.set(state.key, new AlertGroup(state, this.#startedMs));
  }

  get sinks(): readonly Sink[] {
    return this.#options.sinks;
  }

  /** Somebody else has written the state since: this one tells and keeps nothing any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Alerts that are on and were told. */
  firing(): readonly Notice[] {
    return [...this.#groups.values()]
      .filter((group) => group.isOn && group.isTold)
      .map((group) => this.#notice(group));
  }

  /** Looks, tells and delivers; to be called every second or so. Does not wait for receivers. */
  async tick(): Promise<void> {
    const { fleet, atLeast, clock, returnMs } = this.#options;
    this.#look('rules', failingConditions(fleet.failing, atLeast));
    this.#look('identity', [conflictCondition(fleet)]);
    if (clock.monotonicMs() - this.#startedMs >= returnMs) {
      this.#look('coverage', [coverageCondition(fleet)]);
    }
    // Before it is told: who comes after a crash then tells it with the same id, and nothing twice as something new.
    // And once it was taken: it must not be delivered again.
    const isDelivered = this.#waitingCount() < this.#keptWaiting;
    const isDue = this.#isNews || isDelivered || clock.monotonicMs() - this.#keptMs >= KEEP_MS;
    if ((this.#unkept || isDelivered) && isDue) await this.#keep();
    if (this.#isOver) return;
    const firing = this.firing();
    for (const sink of this.sinks) sink.tick(firing);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.sinks.map((sink) => sink[Symbol.asyncDispose]()));
    if (!this.#isOver) await this.#keep();
  }

  #look(family: Family, conditions: readonly Condition[]): void {
    const { clock, times } = this.#options;
    const [nowMs, wallMs] = [clock.monotonicMs(), clock.nowMs()];
    if (!this.#families.has(family)) this.#begin(family, conditions);
    const seen = new Set<string>();
    for (const condition of conditions) {
      const { key, subject } = condition;
      seen.add(key);
      const group = this.#groups.get(key) ?? this.#newGroup(key, subject);
      group.subject = subject;
      this.#tell(group, group.update(condition, nowMs, times, wallMs));
    }
    for (const group of this.#groups.values()) {
      if (group.subject.family !== family) continue;
      if (!seen.has(group.key)) this.#tell(group, group.update(NOBODY, nowMs, times, wallMs));
      if (group.isOver) this.#groups.delete(group.key);
    }
  }

  /** What is so when a family is looked at for the first time counts and is not told. */
  #begin(family: Family, conditions: readonly Condition[]): void {
    this.#families.add(family);
    this.#unkept = true;
    for (const { key, subject, nodes, isOld } of conditions) {
      const old = [...nodes]
        .filter(([uid]) => isOld(uid))
        .map(([uid, { name }]) => [uid, name] as const);
      if (old.length === 0) continue;
      const startsAtMs = this.#options.clock.nowMs();
      const state = { key, subject, nodes: old, startsAtMs, isTold: false };
      this.#groups.set(key, new AlertGroup(state, this.#startedMs));
    }
  }

  #newGroup(key: string, subject: Condition['subject']): AlertGroup {
    const state = { key, subject, nodes: [], startsAtMs: 0, isTold: false };
    const group = new AlertGroup(state, this.#options.clock.monotonicMs());
    this.#groups.set(key, group);
    return group;
  }

  #tell(group: AlertGroup, change: ReturnType<AlertGroup['update']>): void {
    this.#unkept ||= group.takeChanged();
    if (change === undefined) return;
    this.#unkept = true;
    this.#isNews = true;
    const notice = this.#notice(group);
    this.#options.log.info({ alert: notice.alert, change, nodes: notice.count }, notice.summary);
    for (const sink of this.sinks) sink.accept(notice);
  }

  #notice(group: AlertGroup): Notice {
    const { labels, clock } = this.#options;
    return toNotice(group, { id: randomUUID(), atMs: clock.nowMs(), labels });
  }

  #waitingCount(): number {
    return this.sinks.reduce((sum, sink) => sum + sink.waiting().length, 0);
  }

  /** A disk that is full keeps nothing from being told. */
  async #keep(): Promise<void> {
    const { record, clock, log } = this.#options;
    this.#keptMs = clock.monotonicMs();
    this.#unkept = false;
    this.#isNews = false;
    this.#keptWaiting = this.#waitingCount();
    try {
      const isOurs = await record.write({
        families: [...this.#families],
        groups: [...this.#groups.values()].filter(({ isOn }) => isOn).map((group) => group.state()),
        waiting: Object.fromEntries(
          this.sinks.map((sink) => [sink.status().name, sink.waiting()] as const),
        ),
      });
      this.#isOver = !isOurs;
    } catch (error) {
      this.#unkept = true;
      log.warn({ path: record.place, reason: messageOf(error) }, 'state of alerts cannot be kept');
    }
  }
}
