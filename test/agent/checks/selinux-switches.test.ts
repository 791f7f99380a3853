import { writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { selinux } from '../../../agent/checks/selinux.ts';
import { checkItems, eventsOf } from '../../../agent/report.ts';
import { runCheck } from '../../../agent/runner.ts';
import { STATUS } from '../../../agent/selinux/status.ts';
import type { Items } from '../../../shared/report.ts';
import { contextAt, lineOf, treeOf } from '../../support/host-tree.ts';
import { statusOf } from '../../support/selinux-policy.ts';

const HOUR_MS = 60 * 60 * 1000;
const ENFORCE = '/sys/fs/selinux/enforce';
const RULE = 'selinux.uninterrupted';
type Tree = Readonly<Record<string, string | Buffer | undefined>>;
const NODE: Tree = {
  [ENFORCE]: '1',
  [STATUS]: statusOf(2),
  '/proc/filesystems': 'nodev\tselinuxfs\n',
};

/** One agent on one node: what it says when the kernel counts so, and which events follow. */
function agentOn(t: Test, tree: Tree = NODE) {
  const root = t.testdir(treeOf(tree));
  const context = contextAt(root);
  let nowMs = 1_000_000;
  const clock = { ...context.clock, nowMs: () => nowMs, monotonicMs: () => nowMs };
  let items: Items = new Map();
  return {
    later: (ms: number) => {
      nowMs += ms;
    },
    kernel: (status: Buffer) => {
      writeFileSync(root + STATUS, status);
      writeFileSync(root + ENFORCE, status.readUInt32LE(8) === 1 ? '1' : '0');
    },
    look: async () => {
      const result = await runCheck(selinux, { ...context, clock });
      const now = checkItems([result]);
      const events = eventsOf('checks', items, now);
      items = now;
      return {
        lines: result.results.filter(({ ruleId }) => ruleId === RULE).map(lineOf),
        events: events
          .filter(({ data }) => data['ruleId'] === RULE)
          .map(({ class: severity, data }) => `${severity} ${data['was']} to ${data['now']}`),
        messages: result.results.filter(({ ruleId }) => ruleId === RULE).map((one) => one.message),
      };
    },
  };
}

t.test('switched off and on between two looks: one event, and none again', async (t) => {
  const agent = agentOn(t);
  t.match(await agent.look(), { lines: [`${RULE} pass`], events: [], messages: [/first look/] });
  agent.kernel(statusOf(6));
  t.match(await agent.look(), {
    lines: [`${RULE} fail switched-unseen @ change 6`],
    events: ['high null to fail'],
    messages: ['SELinux was switched 2 times between two looks and was enforcing again after it'],
  });
  for (let look = 0; look < 3; look++) {
    agent.later(60_000);
    t.strictSame((await agent.look()).events, []);
  }
  agent.kernel(statusOf(10));
  t.match(await agent.look(), {
    lines: [`${RULE} fail switched-unseen @ change 6`, `${RULE} fail switched-unseen @ change 10`],
    events: ['high null to fail'],
  });
  agent.later(HOUR_MS);
  t.match(await agent.look(), {
    lines: [`${RULE} pass`],
    events: ['high fail to null', 'high fail to null'],
  });
  t.match(await agent.look(), { lines: [`${RULE} pass`], events: [] });
});

t.test('a switch that was seen is the mode’s event, not this one', async (t) => {
  const agent = agentOn(t);
  await agent.look();
  agent.kernel(statusOf(4, { enforcing: false }));
  t.match(await agent.look(), { lines: [`${RULE} pass`], events: [] });
  agent.kernel(statusOf(6));
  t.match(await agent.look(), { lines: [`${RULE} pass`], events: [] });
});

t.test('policies and booleans that were loaded are no switch', async (t) => {
  const agent = agentOn(t);
  await agent.look();
  agent.kernel(statusOf(8, { policyload: 4 }));
  t.match(await agent.look(), { lines: [`${RULE} pass`], events: [] });
});

t.test('of many sightings the last sixteen are kept', async (t) => {
  const agent = agentOn(t);
  await agent.look();
  for (let sequence = 6; sequence <= 82; sequence += 4) {
    agent.kernel(statusOf(sequence));
    await agent.look();
  }
  const { lines } = await agent.look();
  t.equal(lines.length, 16);
  t.equal(lines.at(-1), `${RULE} fail switched-unseen @ change 82`);
});

t.test('two agents, or two nodes, do not know of each other', async (t) => {
  const first = agentOn(t);
  await first.look();
  const second = agentOn(t, { ...NODE, [STATUS]: statusOf(6) });
  t.match(await second.look(), { lines: [`${RULE} pass`] });
});

const UNSEEN: readonly (readonly [name: string, change: Tree, line: string])[] = [
  ['whose status is not visible', { [STATUS]: undefined }, `error not-visible @ ${STATUS}`],
  [
    'whose SELinux is off',
    { [STATUS]: undefined, [ENFORCE]: undefined, '/proc/filesystems': 'nodev\tproc\n' },
    'notapplicable selinux-off',
  ],
  ['whose status is cut', { [STATUS]: statusOf(2).subarray(0, 12) }, 'error parse'],
  ['whose kernel is always writing', { [STATUS]: statusOf(3) }, 'error parse'],
];

for (const [name, change, line] of UNSEEN) {
  t.test(`switches of a node ${name}`, async (t) => {
    t.match(await agentOn(t, { ...NODE, ...change }).look(), { lines: [`${RULE} ${line}`] });
  });
}
