import { join } from 'node:path';
import { LoopDelay } from '../../aggregator/loop-delay.ts';
import { systemClock } from '../../shared/clock.ts';
import { nameOf, SimulatedAgent } from './simulated-agent.ts';

/** What a process of agents is told. */
export type Order =
  | {
      readonly order: 'start';
      readonly from: number;
      readonly count: number;
      readonly seed: number;
      readonly folder: string;
      readonly tokens: string;
      readonly url: string;
      readonly everyMs: number;
      /** So many agents a second. */
      readonly rate: number;
      /** Images on each node. */
      readonly images: number;
    }
  | { readonly order: 'look' | 'rest' | 'stop' };

/** What it says of its agents. */
export interface Status {
  readonly started: number;
  readonly connected: number;
  /** On their present connection everything that was outstanding has been at the aggregator, whatever came since. */
  readonly converged: number;
  /** Nothing is outstanding now. */
  readonly settled: number;
  readonly generated: number;
  readonly acknowledged: number;
  readonly rssBytes: number;
  /** The longest delay of the event loop since it was asked last: agents of one process wait for each other. */
  readonly loopDelaySeconds: number;
}

const agents: SimulatedAgent[] = [];
let loopDelaySeconds = 0;
const delay = new LoopDelay(systemClock, (seconds) => {
  loopDelaySeconds = Math.max(loopDelaySeconds, seconds);
});
/** The session on which an agent had nothing outstanding, by agent. */
const convergedOn = new Map<SimulatedAgent, number>();

process.on('message', (order: Order) => void obey(order));

async function obey(order: Order): Promise<void> {
  if (order.order === 'start') {
    const startMs = performance.now();
    for (let n = 0; n < order.count; n++) {
      const waitMs = startMs + (n * 1000) / order.rate - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      const index = order.from + n;
      agents.push(
        await SimulatedAgent.start({
          index,
          seed: order.seed,
          folder: join(order.folder, nameOf(index)),
          url: order.url,
          tokenFile: join(order.tokens, `${nameOf(index)}.token`),
          everyMs: order.everyMs,
          images: order.images,
        }),
      );
    }
    return;
  }
  if (order.order === 'rest') for (const agent of agents) await agent.rest();
  if (order.order === 'stop') {
    delay[Symbol.dispose]();
    await Promise.all(agents.map((agent) => agent[Symbol.asyncDispose]()));
    process.exit();
  }
  process.send?.(status());
}

function status(): Status {
  const longest = loopDelaySeconds;
  loopDelaySeconds = 0;
  const links = agents.map(({ link }) => link);
  for (const agent of agents) {
    const { session } = agent.link.uplink;
    if (session !== undefined && agent.link.isConverged) convergedOn.set(agent, session);
  }
  return {
    started: agents.length,
    connected: links.filter(({ uplink }) => uplink.session !== undefined).length,
    converged: agents.filter(
      (agent) => convergedOn.has(agent) && convergedOn.get(agent) === agent.link.uplink.session,
    ).length,
    settled: links.filter(({ isConverged }) => isConverged).length,
    generated: links.reduce((sum, { spool }) => sum + spool.state.next - 1, 0),
    acknowledged: links.reduce((sum, { spool }) => sum + spool.state.acknowledged, 0),
    rssBytes: process.memoryUsage.rss(),
    loopDelaySeconds: longest,
  };
}
