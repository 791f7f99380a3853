import { rfc3339 } from '../shared/clock.ts';
import type { Events, Heartbeat } from '../shared/protocol.ts';
import { EventIntake, type Intake, REJECTED, type TakenEvent } from './event-intake.ts';
import type { SessionLink } from './session-link.ts';
import type { SessionContext } from './sessions.ts';
import type { Cursor, EventBatch } from './store/store.ts';

/** Records that wait for a commit before senders are paused. */
const MAX_BACKLOG = 2000;

/** The event plane of one session: in order, without holes, acknowledged after commit. */
export class EventPlane {
  readonly #link: SessionLink;
  readonly #context: SessionContext;
  readonly #intake: EventIntake;
  #acknowledged: number;
  #toldGapAt: number | undefined;

  /** `sequence`: everything up to here is stored. */
  constructor(link: SessionLink, context: SessionContext, epoch: string, sequence: number) {
    this.#link = link;
    this.#context = context;
    this.#intake = new EventIntake(epoch, sequence);
    this.#acknowledged = sequence;
  }

  received(frame: Events): void {
    const { epoch } = this.#intake;
    if (frame.epoch !== epoch) {
      this.#link.sendError('epoch', `expected epoch ${epoch}: a new one begins with hello`);
      return;
    }
    const taken = this.#intake.take(frame);
    if (taken.events.length > 0) {
      this.#toldGapAt = undefined;
      void this.#append(taken);
    } else if (taken.duplicates > 0) {
      this.#ack();
    }
    if (taken.gapAt !== undefined && taken.gapAt !== this.#toldGapAt) this.#askAgain(taken.gapAt);
  }

  /** A hole that was told once and is still open, or a frame that never came: says again what is held. */
  remind(beat: Heartbeat): void {
    if (beat.unsent.records > 0 && this.#context.store.backlog === 0) this.#ack();
    this.#toldGapAt = undefined;
  }

  /** An `ack` of what is held goes with the `error`: the agent goes on after it. */
  #askAgain(next: number): void {
    this.#toldGapAt = next;
    this.#context.metrics.gaps.inc();
    this.#link.sendError('gap', `events: expected sequence ${next}; send again from there`);
    this.#ack();
  }

  async #append({ events, rejects }: Intake): Promise<void> {
    const { store, clock, metrics } = this.#context;
    const { node, session } = this.#link;
    const receivedAtMs = clock.nowMs();
    const { epoch } = this.#intake;
    const batch: EventBatch = {
      uid: node.uid,
      session,
      epoch,
      receivedAtMs,
      events: events.map((event) => ({ ...event, data: JSON.stringify(event.data) })),
    };
    const written = store.append(batch);
    const isCrowded = store.backlog > MAX_BACKLOG;
    if (isCrowded) this.#link.pause();
    try {
      const cursor = await written;
      this.#acknowledged = Math.max(this.#acknowledged, cursor.sequence);
      for (const reject of rejects) {
        metrics.rejects.inc({ code: reject.code });
        this.#link.send(reject);
      }
      this.#ack();
      this.#tell(events, cursor, receivedAtMs);
    } catch (error) {
      this.#link.storeFailed(error);
    } finally {
      if (isCrowded) this.#link.resume();
    }
  }

  #tell(events: readonly TakenEvent[], cursor: Cursor, receivedAtMs: number): void {
    const { fleet, metrics } = this.#context;
    const { uid, name } = this.#link.node;
    const { epoch } = this.#intake;
    const receivedAt = rfc3339(receivedAtMs);
    let stored = 0;
    for (const event of events) {
      if (event.throughSequence <= cursor.before) continue;
      const { sequence, at, kind, data, lost } = event;
      stored++;
      // When what was refused happened is not known.
      if (kind !== REJECTED) {
        metrics.ingestLag.observe(Math.max(0, (receivedAtMs - Date.parse(at)) / 1000));
      }
      // Most of the time nobody looks on.
      if (lost === 0 && !fleet.isWatched) continue;
      const record = {
        node: name,
        epoch,
        sequence,
        at,
        receivedAt,
        kind,
        class: event.class,
        data,
      };
      fleet.recorded(uid, record, lost);
    }
    metrics.events.inc(stored);
  }

  #ack(): void {
    const { epoch } = this.#intake;
    this.#link.send({ type: 'ack', epoch, sequence: this.#acknowledged });
  }
}
