import t from 'tap';
import { configSchema } from '../../../aggregator/config.ts';
import { parseConfig } from '../../../shared/config.ts';
import { findingKey } from '../../../shared/findings.ts';
import type { Hello } from '../../../shared/protocol.ts';
import { AgentClient, event, helloFrame, state } from '../../support/agent-client.ts';
import { runAggregator } from '../../support/aggregator.ts';
import { type Outcome, runCli } from '../fake-io.ts';
import { FINDINGS, finding, runFleet } from '../fleet.ts';

/** Resolves when the output matches; aborts the command when the last step is done. */
class Followed {
  readonly stop = new AbortController();
  text = '';
  #waiting: { readonly pattern: RegExp; readonly resolve: () => void } | undefined;

  readonly onOutput = (text: string): void => {
    this.text = text;
    if (this.#waiting?.pattern.test(text)) this.#waiting.resolve();
  };

  async shows(pattern: RegExp): Promise<void> {
    if (pattern.test(this.text)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting = { pattern, resolve };
    await promise;
  }
}

t.test('in a pipe findings come as JSON lines, first all there are, then changes', async (t) => {
  await using fleet = await runFleet(t.testdir({}));
  const followed = new Followed();
  const { onOutput, stop } = followed;
  const running = runCli(['watch', ...fleet.flags], { onOutput, signal: stop.signal });
  await followed.shows(/fips\.kernel/);
  const fixed = FINDINGS.map((one) =>
    one.ruleId === 'selinux.enforcing' ? finding(one.ruleId) : one,
  );
  fleet.agent.send(
    state('checks', new Map(fixed.map((one) => [findingKey(one), { ...one } as never]))),
  );
  await followed.shows(/removed/);
  stop.abort();
  const { exit, stdout, stderr } = await running;
  t.equal(exit, 130);
  t.match(stderr, /^1 of 1 node reporting\n$/);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.match(lines, [
    { change: 'set', item: { ruleId: 'selinux.enforcing', result: 'fail' } },
    { change: 'set', item: { ruleId: 'fips.kernel' } },
    { change: 'removed', item: { ruleId: 'selinux.enforcing', result: 'pass' } },
  ]);
});

t.test('on a terminal one table is redrawn', async (t) => {
  await using fleet = await runFleet(t.testdir({}));
  const followed = new Followed();
  const { onOutput, stop } = followed;
  const words = ['get', 'events', '-w', ...fleet.flags];
  const running = runCli(words, { onOutput, signal: stop.signal, isTerminal: true });
  await followed.shows(/file-1/);
  fleet.agent.send({
    type: 'events',
    epoch: 'epoch-1',
    items: [event(4, { kind: 'node.booted' })],
  });
  await followed.shows(/node\.booted/);
  stop.abort();
  const { exit, stdout } = await running;
  t.equal(exit, 130);
  const [before, first = '', second = '', ...more] = stdout.split('\u001b[H');
  t.equal(before, '\u001b[?1049h\u001b[?25l\u001b[?7l', 'a screen of its own, without cursor');
  t.match(first.replaceAll('\u001b[K', '<'), /^events, .*Ctrl-C ends<\nNODE .*<\nnode-1 .*file-3/);
  const [screen = '', left = ''] = second.split('\u001b[J\u001b[?7h\u001b[?25h\u001b[?1049l');
  t.match(screen, /^events, .*\nNODE .*\nnode-1 .* node\.booted .*\nnode-1/);
  t.notOk(screen.includes('\u001b[2J'), 'what is there is drawn over, never wiped');
  t.equal(
    left,
    screen.replaceAll('\u001b[K', ''),
    'the terminal is as it was, and the last is left',
  );
  t.same(more, []);
});

t.test('on a terminal what several nodes say alike is one row, worst first', async (t) => {
  await using fleet = await runFleet(t.testdir({}));
  const followed = new Followed();
  const { onOutput, stop } = followed;
  const running = runCli(['watch', ...fleet.flags], {
    onOutput,
    signal: stop.signal,
    isTerminal: true,
  });
  await followed.shows(/fips\.kernel/);
  stop.abort();
  t.match((await running).stdout, /RULE .*NODES {2}ON .*\nselinux.* 1 {2}node-1 .*\nfips/);
});

t.test('a reader that goes away ends the watch without complaint', async (t) => {
  await using fleet = await runFleet(t.testdir({}));
  const followed = new Followed();
  const unread = new AbortController();
  const { onOutput } = followed;
  const running = runCli(['watch', 'nodes', ...fleet.flags], { onOutput, unread: unread.signal });
  await followed.shows(/node-1/);
  unread.abort();
  const { exit, stderr } = await running;
  t.equal(exit, 0);
  t.notMatch(stderr, /error/);
});

t.test('a lost aggregator is waited for, and what changed meanwhile is told', async (t) => {
  const folder = t.testdir({});
  await using fleet = await runFleet(folder);
  const [nodes, events] = [new Followed(), new Followed()];
  const follow = (type: string, { onOutput, stop }: Followed) =>
    runCli(['watch', type, ...fleet.flags], { onOutput, signal: stop.signal });
  const running = [follow('nodes', nodes), follow('events', events)];
  await nodes.shows(/"state":"online"/);
  await events.shows(/file-3/);
  await fleet.running[Symbol.asyncDispose]();
  const { listen } = parseConfig('', 'test', configSchema);
  const port = Number(new URL(fleet.running.url).port);
  await using again = await runAggregator(folder, { listen: { ...listen, port } });
  const hello = helloFrame({ spool: { epoch: 'epoch-1', first: 4, next: 5, bytes: 0, lost: 0 } });
  await using agent = await connected(again.url, fleet.running.agentToken, hello);
  agent.client.send({
    type: 'events',
    epoch: 'epoch-1',
    items: [event(4, { kind: 'node.booted' })],
  });
  await events.shows(/node\.booted/);
  await nodes.shows(/"state":"online".*\n.*"state":"online"/s);
  for (const { stop } of [nodes, events]) stop.abort();
  const [, { exit, stdout, stderr }] = (await Promise.all(running)) as [Outcome, Outcome];
  t.equal(exit, 130);
  t.match(stderr, /^1 of 1 node reporting\nlost the aggregator: /);
  const told = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).item);
  const files = told.filter(({ epoch }) => epoch === 'epoch-1').map(({ sequence }) => sequence);
  t.same(files, [1, 2, 3, 4], 'each event once, as they came');
});

async function connected(
  url: string,
  token: string,
  hello: Hello,
): Promise<{ readonly client: AgentClient } & AsyncDisposable> {
  const client = await AgentClient.connect(url, token, hello);
  return {
    client,
    async [Symbol.asyncDispose]() {
      await client.close();
    },
  };
}

t.test('-o decides where it can: JSON lines on a terminal, never CSV', async (t) => {
  await using fleet = await runFleet(t.testdir({}));
  const followed = new Followed();
  const { onOutput, stop } = followed;
  const words = ['watch', 'nodes', '-o', 'jsonl', ...fleet.flags];
  const running = runCli(words, { onOutput, signal: stop.signal, isTerminal: true });
  await followed.shows(/node-1/);
  stop.abort();
  const [line = ''] = (await running).stdout.split('\n');
  t.match(JSON.parse(line), { change: 'set', item: { name: 'node-1' } });
  const csv = await runCli(['get', 'nodes', '-w', '-o', 'csv', ...fleet.flags]);
  t.equal(csv.exit, 2);
});
