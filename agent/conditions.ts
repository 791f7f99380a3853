import type { Json } from '../shared/canonical.ts';
import { type Clock, rfc3339 } from '../shared/clock.ts';
import type { Items } from '../shared/report.ts';
import type { EventDraft } from './spool.ts';

/** What is wrong with the agent itself, not with its node. */
export const CONDITIONS = [
  /** The disk takes no events: the newest are held in memory. */
  'SpoolDegraded',
  /** Folders cannot be watched: changes are found by looking every few seconds. */
  'WatchDegraded',
  /** The accepted state of the node is there and cannot be used. */
  'BaselineUnusable',
  /** What was reported last cannot be kept: after a restart changes made meanwhile are no events. */
  'MemoryUnwritable',
] as const;
export type Condition = (typeof CONDITIONS)[number];

interface Held {
  readonly why: string;
  /** RFC 3339. */
  readonly since: string;
}

/** The conditions that hold now; what they say goes into the section `agent` and every heartbeat. */
export class Conditions {
  readonly #held = new Map<Condition, Held>();
  readonly #clock: Clock;
  readonly #onChange: (event: EventDraft) => void;

  constructor(clock: Clock, onChange: (event: EventDraft) => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  get names(): readonly Condition[] {
    return [...this.#held.keys()].sort();
  }

  /** `condition <name>` with why and since when. */
  get items(): Items {
    return new Map(
      [...this.#held].map(([name, held]): [string, Json] => [`condition ${name}`, { ...held }]),
    );
  }

  /** Holds for the reason given; undefined ends it. A new reason of one that holds is no change. */
  set(name: Condition, why: string | undefined): void {
    if ((why === undefined) === !this.#held.has(name)) return;
    if (why === undefined) this.#held.delete(name);
    else this.#held.set(name, { why, since: rfc3339(this.#clock.nowMs()) });
    this.#onChange({
      kind: 'agent.condition',
      class: 'medium',
      data: { condition: name, holds: why !== undefined, why: why ?? null },
    });
  }
}
