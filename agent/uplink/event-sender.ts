import type { EventItem, Events, Welcome } from '../../shared/protocol.ts';
import type { Spool } from '../spool.ts';

/** Sends one frame; resolves when there is room for the next. */
export type Send<Frame> = (frame: Frame) => Promise<void>;

interface Sent {
  readonly through: number;
  readonly records: number;
  readonly bytes: number;
}

/** So many records to a frame at most: the other side commits them together. */
const FRAME_RECORDS = 128;
const FRAME_BYTES = 262_144;
/** An `ack` that says the same again means that frames were lost, unless they are still on their way. */
const ON_THE_WAY_MS = 2000;

/** Sends what the spool holds, in order, within the window, until it is acknowledged. One for each connection. */
export class EventSender {
  readonly #spool: Spool;
  readonly #send: Send<Events>;
  readonly #limits: Welcome['limits'];
  readonly #monotonicMs: () => number;
  readonly #epoch: string;
  #next: number;
  /** Last number that went out, whether or not it must go again. */
  #through: number;
  /** Counts how often the sender went back. */
  #turn = 0;
  #sent: readonly Sent[] = [];
  #lastSentMs = 0;
  #pumping: Promise<void> | undefined;
  #isMore = false;

  constructor(options: {
    readonly spool: Spool;
    readonly send: Send<Events>;
    readonly limits: Welcome['limits'];
    readonly monotonicMs: () => number;
    /** What the aggregator holds of this life of the spool. */
    readonly held: number;
  }) {
    this.#spool = options.spool;
    this.#send = options.send;
    this.#limits = options.limits;
    this.#monotonicMs = options.monotonicMs;
    this.#epoch = options.spool.state.epoch;
    this.#next = options.held + 1;
    this.#through = options.held;
  }

  /** Sends as much as the window takes. */
  async pump(): Promise<void> {
    this.#isMore = true;
    this.#pumping ??= this.#pumpAll().finally(() => {
      this.#pumping = undefined;
    });
    await this.#pumping;
  }

  /** Last number that can be acknowledged: the last that was sent or held. */
  get through(): number {
    return this.#through;
  }

  /** Everything up to `claimed` is committed; what was never sent cannot be. */
  async acknowledged(claimed: number): Promise<void> {
    const sequence = Math.min(claimed, this.#through);
    const isRepeated = sequence < (this.#sent[0]?.through ?? Number.POSITIVE_INFINITY);
    this.#sent = this.#sent.filter(({ through }) => through > sequence);
    const isOverdue = this.#monotonicMs() - this.#lastSentMs > ON_THE_WAY_MS;
    if (isRepeated && isOverdue && this.#sent.length > 0) this.sendAgain(sequence);
    await this.#spool.acknowledge(this.#epoch, sequence);
    await this.pump();
  }

  /** Goes back to what follows `sequence`: the aggregator has missed it. */
  sendAgain(sequence: number): void {
    this.#turn++;
    this.#sent = [];
    this.#next = Math.min(this.#next, sequence + 1);
  }

  async #pumpAll(): Promise<void> {
    while (this.#isMore) {
      this.#isMore = false;
      const turn = this.#turn;
      const items = await this.#read();
      if (turn !== this.#turn) {
        this.#isMore = true;
        continue;
      }
      const last = items.at(-1);
      if (last === undefined) continue;
      const through = last.throughSequence ?? last.sequence;
      this.#sent = [...this.#sent, { through, records: items.length, bytes: sizeOf(items) }];
      this.#next = through + 1;
      this.#through = Math.max(this.#through, through);
      this.#lastSentMs = this.#monotonicMs();
      this.#isMore = true;
      await this.#send({ type: 'events', epoch: this.#epoch, items });
    }
  }

  /** The next items that fit the window; a `lost` item counts as the one record it is. */
  async #read(): Promise<readonly EventItem[]> {
    const { inflight, inflightBytes } = this.#limits;
    const bytes = inflightBytes - this.#sent.reduce((sum, sent) => sum + sent.bytes, 0);
    const records = inflight - this.#sent.reduce((sum, sent) => sum + sent.records, 0);
    if (records <= 0 || (bytes <= 0 && this.#sent.length > 0)) return [];
    const limit = {
      records: Math.min(records, FRAME_RECORDS),
      bytes: Math.max(1, Math.min(bytes, FRAME_BYTES)),
    };
    return await this.#spool.read(this.#next, limit);
  }
}

function sizeOf(items: readonly EventItem[]): number {
  return items.reduce((sum, item) => sum + JSON.stringify(item).length, 0);
}
