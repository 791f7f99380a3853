import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { agent as selfCheck } from '../../agent/checks/agent.ts';
import { type Clock, systemClock } from '../../shared/clock.ts';
import { runAgent } from '../support/agent.ts';
import { runAggregator } from '../support/aggregator.ts';
import { until } from '../support/link-node.ts';
import { AggregatorProcess, Program } from '../support/processes.ts';

t.setTimeout(120_000);

const DAY_SECONDS = 86_400;
const limits = {
  ...{ handshakes: 512, handshakesPerSource: 128 },
  ...{ heartbeatSeconds: 0.4, silentSeconds: 10, helloSeconds: 5 },
};

/** Wall time that jumps; what never jumps does not. */
class JumpingClock implements Clock {
  aheadMs = 0;
  nowMs(): number {
    return systemClock.nowMs() + this.aheadMs;
  }
  monotonicMs(): number {
    return systemClock.monotonicMs();
  }
}

interface Seen {
  readonly state: string;
  readonly uid: string;
  readonly session: number;
  readonly skewSeconds: number;
}

function seenIn(body: unknown): Seen {
  const { node, session } = body as {
    node: { state: string; uid: string };
    session: { session: number; clockSkewSeconds: number };
  };
  const { session: number, clockSkewSeconds: skewSeconds } = session;
  return { state: node.state, uid: node.uid, session: number, skewSeconds };
}

const jumps = [
  ['of the node goes a day forward', 'agent', DAY_SECONDS],
  ['of the node goes a day back', 'agent', -DAY_SECONDS],
  ['of the aggregator goes a day forward', 'aggregator', DAY_SECONDS],
  ['of the aggregator goes a day back', 'aggregator', -DAY_SECONDS],
] as const;

for (const [name, side, seconds] of jumps) {
  t.test(`I11 a clock jump makes no flapping and no new identity: that ${name}`, async (t) => {
    const folder = t.testdir({ agent: {}, aggregator: {} });
    const clocks = { agent: new JumpingClock(), aggregator: new JumpingClock() };
    await using aggregator = await runAggregator(
      join(folder, 'aggregator'),
      { limits },
      clocks.aggregator,
    );
    const link = { url: aggregator.url, token: aggregator.agentToken };
    await using running = await runAgent(join(folder, 'agent'), link, {
      clock: clocks.agent,
      checks: [selfCheck],
      random: () => 0,
    });
    const { spool } = running.agent;
    const now = async (): Promise<Seen> => seenIn((await aggregator.get('/v1/nodes/node-1')).body);
    const clockResult = async (): Promise<string | undefined> => {
      const { body } = await aggregator.get('/v1/findings');
      const { items } = body as { items: readonly { subject?: string; result: string }[] };
      return items.find(({ subject }) => subject === 'clock')?.result;
    };
    await until(async () => (await clockResult()) === 'pass');
    const before = await now();
    const states = new Set<string>();
    clocks[side].aheadMs = seconds * 1000;
    await until(async () => {
      states.add((await now()).state);
      return (await clockResult()) === 'fail';
    });
    await until(async () => Math.abs((await now()).skewSeconds) > DAY_SECONDS - 60);
    t.same([...states], ['online'], 'the node was online all the time');
    const after = await now();
    t.match(after, { uid: before.uid, session: before.session, state: 'online' });
    t.equal(Math.sign(after.skewSeconds), Math.sign(seconds) * (side === 'agent' ? 1 : -1));
    await spool.append({ kind: 'test', class: 'low', data: {} });
    await until(() => spool.state.acknowledged === spool.state.next - 1);
    t.equal(spool.state.lost, 0, 'nothing was given up');
    t.match(
      await aggregator.post('/v1/nodes/node-1/rescan'),
      { status: 200 },
      'and a command is not late',
    );
    clocks[side].aheadMs = 0;
    await until(async () => (await clockResult()) === 'pass');
    t.match(await now(), { session: before.session }, 'and back, on the same session');
  });
}

const library = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';

t.test(
  'I11 a clock jump makes no flapping and no new identity: of both programs as processes',
  { skip: existsSync(library) ? false : 'needs libfaketime (package libfaketime)' },
  async (t) => {
    const folder = t.testdir({ agent: { host: { etc: {} } }, aggregator: {} });
    const jumpOf = (
      name: string,
    ): { readonly env: Record<string, string>; set(s: number): void } => {
      const file = join(folder, `${name}.time`);
      const set = (seconds: number): void => {
        // Whole or not at all: it is read at any moment.
        writeFileSync(`${file}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`);
        renameSync(`${file}.new`, file);
      };
      set(0);
      const env = {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: file,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      };
      return { env, set };
    };
    const clocks = { agent: jumpOf('agent'), aggregator: jumpOf('aggregator') };
    const aggregator = await AggregatorProcess.start(
      join(folder, 'aggregator'),
      { limits: { heartbeatSeconds: 0.4, silentSeconds: 10 } },
      clocks.aggregator.env,
    );
    await using _aggregator = { [Symbol.asyncDispose]: () => aggregator.program.kill('SIGKILL') };
    const stateDir = join(folder, 'agent/state');
    mkdirSync(stateDir, { recursive: true });
    await using agent = new Program(
      'agent',
      {
        hostRoot: join(folder, 'agent/host'),
        stateDir,
        checks: { include: ['agent'] },
        aggregator: {
          url: aggregator.url,
          tokenFile: join(folder, 'aggregator/state/tokens/agents/node-1.token'),
        },
      },
      join(folder, 'agent'),
      clocks.agent.env,
    );
    await agent.says('connected to the aggregator');
    const now = async (): Promise<Seen> => seenIn(await aggregator.get('/v1/nodes/node-1'));
    await until(async () => (await now()).state === 'online');
    const before = await now();
    for (const [name, side, seconds] of jumps) {
      const states = new Set<string>();
      clocks[side].set(seconds);
      await until(async () => {
        const { state, skewSeconds } = await now();
        states.add(state);
        return Math.abs(skewSeconds) > DAY_SECONDS - 60;
      });
      clocks[side].set(0);
      await until(async () => {
        const { state, skewSeconds } = await now();
        states.add(state);
        return Math.abs(skewSeconds) < 60;
      });
      t.same([...states], ['online'], name);
    }
    t.match(await now(), { uid: before.uid, session: before.session }, 'one session all the time');
  },
);
