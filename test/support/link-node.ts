import { join } from 'node:path';
import { NodeState } from '../../agent/node-state.ts';
import type { SpoolLimits } from '../../agent/spool/retention.ts';
import { Spool } from '../../agent/spool.ts';
import { CommandAnswers, type Verbs } from '../../agent/uplink/commands.ts';
import type { HeldSections } from '../../agent/uplink/state-sender.ts';
import { Uplink } from '../../agent/uplink.ts';
import { type Clock, systemClock } from '../../shared/clock.ts';
import type { Logger } from '../../shared/log.ts';
import type { Hello } from '../../shared/protocol.ts';
import { SECTIONS } from '../../shared/report.ts';

export interface LinkNodeOptions {
  /** Of the spool. */
  readonly folder: string;
  readonly url: string;
  readonly tokenFile: string;
  readonly host?: Hello['host'];
  readonly limits?: Partial<SpoolLimits>;
  readonly clock?: Clock;
  /** No delay after a lost connection and half a spread after a failed attempt, when not given. */
  readonly random?: () => number;
  readonly log?: Logger;
  /** What it can be asked; nothing when not given. */
  readonly verbs?: Verbs;
}

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => SILENT };

/** The agent's real spool, state and uplink without checks: what it reports is what a test puts in. */
export class LinkNode implements AsyncDisposable {
  readonly spool: Spool;
  readonly state: NodeState = new NodeState();
  readonly uplink: Uplink;
  readonly #held: HeldSections = new Map();

  private constructor(spool: Spool, options: LinkNodeOptions) {
    this.spool = spool;
    this.uplink = new Uplink({
      aggregator: { url: options.url, tokenFile: options.tokenFile, allowPlain: false },
      spool,
      state: this.state,
      held: this.#held,
      commands: new CommandAnswers(options.verbs ?? {}),
      clock: options.clock ?? systemClock,
      random: options.random ?? (() => 0),
      log: options.log ?? SILENT,
      version: '0.1.0',
      host: options.host ?? { name: 'node', machineId: 'machine', bootId: 'boot' },
      conditions: () => (spool.state.degraded === undefined ? [] : ['SpoolDegraded']),
    });
  }

  static async start(options: LinkNodeOptions): Promise<LinkNode> {
    const { folder, limits = {}, clock = systemClock } = options;
    return new LinkNode(
      await Spool.open({ folder: join(folder, 'spool'), clock, limits }),
      options,
    );
  }

  /** True when everything the spool has numbered is acknowledged. */
  get isDelivered(): boolean {
    const { acknowledged, next } = this.spool.state;
    return acknowledged === next - 1;
  }

  /** True when connected, everything is delivered and the aggregator has said of every section that it has it. */
  get isConverged(): boolean {
    if (this.uplink.session === undefined || !this.isDelivered) return false;
    return SECTIONS.every((name) => {
      const { hash, items } = this.state.section(name);
      return items.size === 0 || this.#held.get(name)?.hash === hash;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.uplink[Symbol.asyncDispose]();
    await this.spool[Symbol.asyncDispose]();
  }
}

/** Looks again until it is so; the test's own time limit ends it otherwise. */
export async function until(isSo: () => boolean | Promise<boolean>, everyMs = 20): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, everyMs));
}
