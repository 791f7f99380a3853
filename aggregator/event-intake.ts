import { messageOf } from '../shared/errors.ts';
import { readEventItem } from '../shared/frames.ts';
import type { EventItem, Events, Reject } from '../shared/protocol.ts';
import type { IncomingEvent, OwnEvent } from './store/store.ts';

/** An event as it came, or the tombstone of one that was refused. */
export type TakenEvent = OwnEvent & Pick<IncomingEvent, 'sequence' | 'throughSequence'>;

/** What became of one `events` frame. */
export interface Intake {
  /** To be stored, in order: events, and a tombstone for each refused one. */
  readonly events: readonly TakenEvent[];
  readonly rejects: readonly Reject[];
  /** The sequence number that should have come where another came; what follows it was not taken. */
  readonly gapAt?: number;
  readonly duplicates: number;
}

/** Keeps the place in one epoch's stream of events and checks what comes against it. */
export class EventIntake {
  readonly epoch: string;
  #next: number;

  constructor(epoch: string, sequence: number) {
    this.epoch = epoch;
    this.#next = sequence + 1;
  }

  /** The sequence number that comes next. */
  get next(): number {
    return this.#next;
  }

  take(frame: Events): Intake {
    const events: TakenEvent[] = [];
    const rejects: Reject[] = [];
    let duplicates = 0;
    for (const item of frame.items) {
      if (item.sequence > this.#next) return { events, rejects, duplicates, gapAt: this.#next };
      const event = restOf(read(item), this.#next);
      if (event.throughSequence < this.#next) {
        duplicates++;
        continue;
      }
      if (event.kind === REJECTED) {
        rejects.push({
          type: 'reject',
          epoch: this.epoch,
          sequence: item.sequence,
          code: 'schema',
          retry: false,
        });
      }
      events.push(event);
      this.#next = event.throughSequence + 1;
    }
    return { events, rejects, duplicates };
  }
}

/** Kind of the tombstone of an event that was refused. */
export const REJECTED = 'rejected';

/**
 * A range that begins before what comes next counts from there on: an agent that was not told so far may have given up
 * what it had delivered together with what it had not.
 */
function restOf(event: TakenEvent, next: number): TakenEvent {
  const { throughSequence } = event;
  if (event.lost === 0 || event.sequence >= next || throughSequence < next) return event;
  const lost = Math.min(event.lost, throughSequence - next + 1);
  return { ...event, sequence: next, lost, data: { ...event.data, count: lost } };
}

function read(item: EventItem): TakenEvent {
  const { sequence } = item;
  try {
    const event = readEventItem(item);
    // valibot takes a list for a record.
    if (Array.isArray(item.data)) throw new TypeError('event.data: expected an object');
    const throughSequence = event.throughSequence ?? sequence;
    if (event.kind === REJECTED) throw new TypeError('event.kind: is the aggregator’s own');
    if (event.kind !== 'lost' && throughSequence !== sequence) {
      throw new TypeError('event.throughSequence: only a lost record stands for a range');
    }
    if (throughSequence < sequence) throw new TypeError('event.throughSequence: before sequence');
    const lost = event.kind === 'lost' ? (event.count ?? throughSequence - sequence + 1) : 0;
    const { at, kind, data } = event;
    return {
      sequence,
      throughSequence,
      at,
      kind,
      class: event.class,
      lost,
      data: kind === 'lost' ? { ...data, throughSequence, count: lost } : data,
    };
  } catch (error) {
    return {
      sequence,
      throughSequence: sequence,
      at: new Date(0).toISOString(),
      kind: REJECTED,
      class: 'high',
      lost: 0,
      data: { code: 'schema', message: messageOf(error).slice(0, 200) },
    };
  }
}
