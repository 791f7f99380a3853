import type { Heartbeat } from '../shared/protocol.ts';
import type { SessionLink } from './session-link.ts';
import type { SessionContext } from './sessions.ts';

/** Heartbeats of one session, both ways. */
export class BeatPlane {
  readonly #link: SessionLink;
  readonly #context: SessionContext;
  #nextMs: number;

  constructor(link: SessionLink, context: SessionContext) {
    this.#link = link;
    this.#context = context;
    this.#nextMs = context.clock.monotonicMs() + this.#delayMs();
  }

  /** Sends one when it is due, by the monotonic clock; it tells what memory is resident. */
  tick(nowMs: number, rssBytes: number): void {
    if (nowMs < this.#nextMs) return;
    const { fleet, clock, loopDelayMs } = this.#context;
    this.#nextMs = nowMs + this.#delayMs();
    this.#link.send({
      type: 'heartbeat',
      rootHash: fleet.rootHash(this.#link.node.uid),
      unsent: { records: 0, oldestSeconds: 0 },
      rssBytes,
      loopDelayMs: loopDelayMs(),
      wallMs: clock.nowMs(),
    });
  }

  received(beat: Heartbeat): void {
    const { fleet, clock } = this.#context;
    const live = fleet.get(this.#link.node.uid)?.live;
    if (live?.session !== this.#link.session) return;
    live.unsentRecords = beat.unsent.records;
    live.clockSkewSeconds = (beat.wallMs - clock.nowMs()) / 1000;
    live.conditions = beat.conditions ?? [];
  }

  /** ± 10 %, so that beats of many nodes do not fall together. */
  #delayMs(): number {
    return this.#context.limits.heartbeatSeconds * 1000 * (0.9 + 0.2 * Math.random());
  }
}
