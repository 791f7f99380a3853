import type { Heartbeat, State } from '../shared/protocol.ts';
import { SECTIONS, type SectionName } from '../shared/report.ts';
import type { SessionLink } from './session-link.ts';
import type { SessionContext } from './sessions.ts';
import { StateParts, type WholeChange } from './state-parts.ts';

/** An agent may have changed its state a moment before it said its hash. */
const QUIET_MS = 1000;

/** The state plane of one session: sections converge by their hashes. */
export class StatePlane {
  readonly #link: SessionLink;
  readonly #context: SessionContext;
  readonly #parts = new StateParts();
  #applying = 0;
  #heardMs: number;
  #mismatches = 0;

  constructor(link: SessionLink, context: SessionContext) {
    this.#link = link;
    this.#context = context;
    this.#heardMs = context.clock.monotonicMs();
  }

  received(part: State): void {
    this.#heardMs = this.#context.clock.monotonicMs();
    this.#mismatches = 0;
    const change = this.#parts.add(part);
    if (change === undefined) return;
    if (!('why' in change)) void this.#apply(change);
    else if (change.why !== 'tooLarge') this.#need(part.section, change.why);
    else this.#link.sendError('stateTooLarge', `${part.section}: more than this server takes`);
  }

  /** Asks for everything when both sides say different hashes though nothing is under way. */
  compare(beat: Heartbeat): void {
    const { fleet, clock, metrics } = this.#context;
    if (beat.rootHash === fleet.rootHash(this.#link.node.uid)) {
      this.#mismatches = 0;
      return;
    }
    if (this.#applying > 0) return;
    this.#mismatches++;
    const isQuiet = clock.monotonicMs() - this.#heardMs >= QUIET_MS && this.#parts.isEmpty;
    if (!isQuiet && this.#mismatches < 2) return;
    this.#mismatches = 0;
    // No part came between two heartbeats: the rest of what was begun got lost.
    this.#parts.clear();
    metrics.hashMismatches.inc();
    for (const section of SECTIONS) this.#need(section, 'rootMismatch');
  }

  async #apply(change: WholeChange): Promise<void> {
    const { store, fleet, clock, metrics } = this.#context;
    const { node, session } = this.#link;
    const { section, mode, base, to, upsert, remove, asOf } = change;
    // What is not applied yet is in memory: the agent waits before it sends more.
    if (this.#applying++ === 0) this.#link.pause();
    try {
      const applied = await store.apply({
        uid: node.uid,
        session,
        section,
        mode,
        base,
        to,
        upsert,
        remove,
        asOfMs: Date.parse(asOf),
        receivedAtMs: clock.nowMs(),
      });
      if (applied.kind === 'applied') {
        fleet.sectionApplied(node.uid, change, applied);
        this.#link.send({ type: 'stateApplied', section, to: applied.hash });
        return;
      }
      if (applied.kind === 'baseUnknown') {
        this.#need(section, 'baseUnknown');
        return;
      }
      metrics.hashMismatches.inc();
      if (mode === 'delta') this.#need(section, 'hashMismatch');
      // Asking at once for what was sent in full would go round in circles: the next heartbeat asks again.
      else this.#link.sendError('stateHash', `${section}: announced ${to}, found ${applied.hash}`);
    } catch (error) {
      this.#link.storeFailed(error);
    } finally {
      if (--this.#applying === 0) this.#link.resume();
    }
  }

  #need(section: SectionName, why: string): void {
    this.#context.metrics.resyncs.inc({ reason: why });
    this.#link.send({ type: 'stateNeeded', section, why });
  }
}
