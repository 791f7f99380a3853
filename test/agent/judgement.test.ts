import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Check } from '../../agent/check.ts';
import { checks } from '../../agent/checks/index.ts';
import { type AgentConfig, configSchema } from '../../agent/config.ts';
import { startAgent } from '../../agent/daemon.ts';
import { configSchema as aggregatorSchema } from '../../aggregator/config.ts';
import type { Json } from '../../shared/canonical.ts';
import { systemClock } from '../../shared/clock.ts';
import { parseConfig } from '../../shared/config.ts';
import { keptLog, runAggregator } from '../support/aggregator.ts';

/** The checks by which a test can tell, as the agent has them. */
const CHECKS: readonly Check[] = checks.filter(({ id }) =>
  ['selinux', 'agent', 'exceptions'].includes(id),
);
const clock = { ...systemClock, nowMs: () => Date.parse('2026-11-21T12:00:00Z') };

interface PermissiveNode extends AsyncDisposable {
  rescan(): Promise<void>;
  item(section: 'checks' | 'agent', key: string): Json | undefined;
  /** Resolves when the item of the section `checks` is there. */
  appeared(key: string): Promise<Json>;
  /** Events so far, those of earlier lives too. */
  events(): number;
}

/** A real agent on a node that is permissive, below a folder of the test's own. */
async function agentIn(folder: string, members: Partial<AgentConfig>): Promise<PermissiveNode> {
  mkdirSync(join(folder, 'host/sys/fs/selinux'), { recursive: true });
  writeFileSync(join(folder, 'host/sys/fs/selinux/enforce'), '0');
  mkdirSync(join(folder, 'host/etc'), { recursive: true });
  const config = {
    ...parseConfig('', 'test', configSchema),
    hostRoot: join(folder, 'host'),
    stateDir: join(folder, 'state'),
    nodeName: 'worker-3',
    ...members,
  };
  const agent = await startAgent(config, { log: keptLog(), clock, checks: CHECKS });
  const item: PermissiveNode['item'] = (section, key) =>
    agent.state.section(section).items.get(key);
  return {
    rescan: () => agent.rescan(),
    item,
    events: () => agent.spool.state.next - 1,
    appeared: (key) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = item('checks', key);
          if (found !== undefined) resolve(found);
        };
        agent.state.onChange(look);
        look();
      }),
    [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose](),
  };
}

t.test('an agent reports the profile of the kind of its node', async (t) => {
  await using agent = await agentIn(t.testdir({}), {});
  t.match(agent.item('agent', 'agent'), {
    profile: { name: 'rhel-host', title: 'RHEL host with containers', chosen: 'by-node' },
    exceptionsFile: null,
  });
});

t.test('an agent reports the profile that somebody named', async (t) => {
  await using agent = await agentIn(t.testdir({}), { profile: 'stig' });
  t.match(agent.item('agent', 'agent'), { profile: { name: 'stig', chosen: 'configured' } });
});

t.test('what an agent reports counts as its profile says', async (t) => {
  const text = 'title: T\ndescription: D\nrules: {selinux.enforcing: {role: unscored}}\n';
  const folder = t.testdir({ 'p.yaml': text });
  await using agent = await agentIn(folder, { profile: join(folder, 'p.yaml') });
  await agent.rescan();
  t.match(agent.item('checks', 'selinux.enforcing'), {
    result: 'notapplicable',
    reason: 'informational',
    message: /^SELinux is permissive/,
  });
});

t.test('a profile that does not exist is no start', async (t) => {
  await t.rejects(agentIn(t.testdir({}), { profile: 'stigg' }), {
    name: 'ConfigError',
    message: /unknown profile "stigg", did you mean "stig"/,
  });
});

t.test('an agent reports what is excepted, and what becomes of the exceptions', async (t) => {
  const folder = t.testdir({});
  const file = join(folder, 'e.yaml');
  const write = (expires: string): void =>
    writeFileSync(
      file,
      `exceptions:\n  - {rule: selinux.enforcing, node: worker-*, reason: R, owner: alice, expires: ${expires}}\n`,
    );
  write('2026-12-31');
  await using agent = await agentIn(folder, { exceptionsFile: file });
  await agent.rescan();
  t.match(agent.item('checks', 'selinux.enforcing'), {
    result: 'notapplicable',
    reason: 'exception',
    override: { oldResult: 'fail', authority: 'alice', remark: 'R', until: '2026-12-31' },
  });
  await agent.rescan();
  t.match(agent.item('checks', 'exceptions.unused selinux.enforcing on worker-*'), {
    result: 'pass',
    observed: { covered: 1 },
  });
  write('2026-11-20');
  await agent.rescan();
  t.match(agent.item('checks', 'selinux.enforcing'), { result: 'fail', override: undefined });
  t.match(agent.item('checks', 'exceptions.expired selinux.enforcing on worker-*'), {
    result: 'fail',
    severity: 'medium',
  });
});

t.test('a restart is no news of what exceptions are used for', async (t) => {
  const text =
    'exceptions:\n  - {rule: selinux.enforcing, reason: R, owner: alice, expires: 2026-12-31}\n';
  const folder = t.testdir({ 'e.yaml': text });
  const used = 'exceptions.unused selinux.enforcing';
  const life = async (): Promise<number> => {
    await using agent = await agentIn(folder, { exceptionsFile: join(folder, 'e.yaml') });
    await agent.rescan();
    await agent.appeared(used);
    await agent.rescan();
    t.match(agent.item('checks', used), { result: 'pass' });
    return agent.events();
  };
  t.equal(await life(), 1, 'the start');
  t.equal(await life(), 2, 'the second start, and nothing else');
});

t.test('an agent says of itself what only it knows', async (t) => {
  await using agent = await agentIn(t.testdir({}), {});
  await agent.rescan();
  t.match(agent.item('checks', 'agent.self events-dropped'), {
    result: 'pass',
    observed: { lost: 0 },
  });
  t.equal(agent.item('checks', 'agent.self clock'), undefined, 'nobody said what time it is');
  t.match(agent.item('checks', 'agent.self files'), { result: 'pass' });
});

t.test('an agent compares its clock with that of its aggregator', async (t) => {
  const folder = t.testdir({ server: {} });
  const { limits } = parseConfig('', 'test', aggregatorSchema);
  // Two frames have to tell the same.
  const quick = { limits: { ...limits, heartbeatSeconds: 0.2 } };
  await using server = await runAggregator(join(folder, 'server'), quick);
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, `${server.agentToken}\n`);
  // The node's clock stands still at noon of a day in November; the aggregator has the time of day.
  const aggregator = { url: server.url, tokenFile, allowPlain: false };
  await using agent = await agentIn(folder, { aggregator });
  t.match(await agent.appeared('agent.self clock'), {
    result: 'fail',
    reason: 'skewed',
    severity: 'low',
    message: /^the clock of the node is \d+ s (?:behind|ahead of) the aggregator’s$/,
  });
});
