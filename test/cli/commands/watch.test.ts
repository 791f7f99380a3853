import t from 'tap';
import { findingKey } from '../../../shared/findings.ts';
import { event, state } from '../../support/agent-client.ts';
import { runCli } from '../fake-io.ts';
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
  const screens = stdout.split('\u001b[H\u001b[J').slice(1);
  t.equal(screens.length, 2);
  t.match(screens[1] ?? '', /^events, .*Ctrl-C ends\nNODE .*\nnode-1 .* node\.booted .*\nnode-1/);
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

t.test('a lost aggregator is waited for', async (t) => {
  await using fleet = await runFleet(t.testdir({}));
  const followed = new Followed();
  const { onOutput, stop } = followed;
  const running = runCli(['watch', 'nodes', ...fleet.flags], { onOutput, signal: stop.signal });
  await followed.shows(/node-1/);
  await fleet.running[Symbol.asyncDispose]();
  stop.abort();
  t.equal((await running).exit, 130);
});

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
