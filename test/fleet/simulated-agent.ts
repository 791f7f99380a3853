import { checkItems, eventsOf } from '../../agent/report.ts';
import type { CheckResult } from '../../agent/runner.ts';
import type { RuleResult } from '../../shared/findings.ts';
import type { Items } from '../../shared/report.ts';
import type { Result } from '../../shared/results.ts';
import { EVALUATE_POLICY } from '../../shared/simulation.ts';
import { LinkNode } from '../support/link-node.ts';
import { type Random, randomFrom } from '../support/random.ts';
import { imagesOf, itemsOfImages, judgeOf } from './simulated-images.ts';

const RULES = 60;

export interface SimulatedAgentOptions {
  readonly index: number;
  readonly seed: number;
  readonly folder: string;
  readonly url: string;
  readonly tokenFile: string;
  /** A result changes so often, on average, milliseconds. */
  readonly everyMs: number;
  /** Images it holds, and can be asked about. */
  readonly images: number;
}

/** An agent with everything real but its checks: their results change by themselves. */
export class SimulatedAgent implements AsyncDisposable {
  readonly link: LinkNode;
  readonly #random: Random;
  readonly #everyMs: number;
  readonly #results: Result[] = Array.from({ length: RULES }, () => 'pass');
  #items: Items;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();

  private constructor(link: LinkNode, options: SimulatedAgentOptions, random: Random) {
    this.link = link;
    this.#random = random;
    this.#everyMs = options.everyMs;
    this.#items = itemsOf(this.#results);
    link.state.replace('checks', this.#items);
    const about = { hostname: nameOf(options.index), kernel: '5.14.0-427.el9' };
    link.state.replace('host', new Map([['host', about]]));
    this.#arm();
  }

  static async start(options: SimulatedAgentOptions): Promise<SimulatedAgent> {
    const { index, seed, folder, url, tokenFile, images } = options;
    const random = randomFrom(seed * 100_003 + index);
    const host = { name: nameOf(index), machineId: `machine-${index}`, bootId: `boot-${index}` };
    const uniform = (): number => random.next();
    const held = imagesOf(images);
    const verbs = images === 0 ? {} : { [EVALUATE_POLICY]: judgeOf(held) };
    const link = await LinkNode.start({ folder, url, tokenFile, host, random: uniform, verbs });
    link.state.replace('images', itemsOfImages(held));
    return new SimulatedAgent(link, options, random);
  }

  /** Nothing changes any more; resolves when everything that changed is in the spool. */
  async rest(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#working;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rest();
    await this.link[Symbol.asyncDispose]();
  }

  #arm(): void {
    this.#timer = setTimeout(
      () => {
        this.#arm();
        this.#working = this.#working.then(() => this.#change());
      },
      this.#everyMs * (0.5 + this.#random.next()),
    );
  }

  async #change(): Promise<void> {
    const at = this.#random.below(RULES);
    this.#results[at] = this.#results[at] === 'pass' ? 'fail' : 'pass';
    const before = this.#items;
    this.#items = itemsOf(this.#results);
    this.link.state.replace('checks', this.#items);
    for (const event of eventsOf('checks', before, this.#items))
      await this.link.spool.append(event);
  }
}

export function nameOf(index: number): string {
  return `node-${String(index).padStart(5, '0')}`;
}

function itemsOf(results: readonly Result[]): Items {
  const check: CheckResult = {
    checkId: 'simulated',
    result: 'pass',
    results: results.map(ruleResult),
    startedAt: '2026-11-21T00:00:00.000Z',
    durationMs: 1,
  };
  return checkItems([check]);
}

function ruleResult(result: Result, index: number): RuleResult {
  return {
    ruleId: `simulated.rule-${index}`,
    checkId: 'simulated',
    title: 'SELinux is enforcing now and after the next boot',
    result,
    severity: 'medium',
    message: 'the mode is enforcing, asked for was enforcing',
    observed: { current: 'enforcing', configured: 'enforcing' },
    remediation: { kind: 'MachineConfig', text: 'Set SELINUX=enforcing by a MachineConfig.' },
    mappings: [{ framework: 'CIS', id: '1.6.1', basis: 'derived' }],
  };
}
