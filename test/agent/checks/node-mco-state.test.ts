import { utimesSync } from 'node:fs';
import t from 'tap';
import { node } from '../../../agent/checks/node.ts';
import { contextAt, lineOf, treeOf } from '../../support/host-tree.ts';
import { machineConfigOf } from '../../support/machine-config.ts';

const FOLDER = '/etc/machine-config-daemon';
const ANNOTATIONS = `${FOLDER}/node-annotations.json`;
const STAGED = '/run/ostree/staged-deployment';
const PREFIX = 'machineconfiguration.openshift.io/';
const MINUTE_MS = 60_000;
type Files = Readonly<Record<string, string | undefined>>;

const NODE: Files = { [`${FOLDER}/currentconfig`]: machineConfigOf({}) };

function annotated(members: Readonly<Record<string, unknown>>): Files {
  const named = Object.entries(members).map(([name, value]) => [PREFIX + name, value]);
  return { [ANNOTATIONS]: JSON.stringify(Object.fromEntries(named)) };
}
const settled = {
  currentConfig: 'rendered-worker-1',
  desiredConfig: 'rendered-worker-1',
  state: 'Done',
};

/** What is on the node, how many minutes old it is, and the lines of the rule. */
const CASES: readonly (readonly [
  name: string,
  change: Files,
  minutes: number,
  expected: readonly string[],
])[] = [
  ['at rest', {}, 0, ['pass']],
  ['that was forced', { '/run/machine-config-daemon-force': '' }, 0, ['fail forced']],
  ['at rest, by its annotations', annotated(settled), 0, ['pass']],
  [
    'whose annotations are those it was installed with, many updates ago',
    annotated({ ...settled, currentConfig: 'rendered-0', desiredConfig: 'rendered-0' }),
    10_000,
    ['pass'],
  ],
  [
    'that is degraded',
    annotated({ ...settled, state: 'Degraded', reason: 'content mismatch for file "/etc/x"' }),
    0,
    [`fail degraded @ ${ANNOTATIONS}`],
  ],
  [
    'whose configuration cannot be applied',
    annotated({ ...settled, state: 'Unreconcilable' }),
    0,
    [`fail unreconcilable @ ${ANNOTATIONS}`],
  ],
  ['that is being updated', annotated({ ...settled, state: 'Working' }), 59, ['pass']],
  ['that is rebooting', annotated({ ...settled, state: 'Rebooting' }), 1, ['pass']],
  [
    'whose update takes too long',
    annotated({ ...settled, state: 'Working' }),
    61,
    [`fail stuck @ ${ANNOTATIONS}`],
  ],
  [
    'whose next configuration does not come',
    annotated({ ...settled, desiredConfig: 'rendered-worker-2' }),
    61,
    [`fail stuck @ ${ANNOTATIONS}`],
  ],
  ['with a deployment for the next boot', { [STAGED]: 'x' }, 5, ['pass']],
  ['that does not boot its deployment', { [STAGED]: 'x' }, 61, [`fail stuck @ ${STAGED}`]],
  [
    'that was forced and is stuck',
    { '/run/machine-config-daemon-force': '', [STAGED]: 'x' },
    61,
    ['fail forced', `fail stuck @ ${STAGED}`],
  ],
  ['with empty annotations', { [ANNOTATIONS]: '' }, 0, ['pass']],
  ['with annotations of nothing', { [ANNOTATIONS]: '{}' }, 0, ['pass']],
  ...['{', '[]', '"x"', '{"machineconfiguration.openshift.io/state": 1}'].map(
    (text) =>
      [`whose annotations are ${text}`, { [ANNOTATIONS]: text }, 0, ['error parse']] as const,
  ),
  [
    'without a MachineConfig, stuck or not',
    { [`${FOLDER}/currentconfig`]: undefined, [STAGED]: 'x' },
    61,
    ['notapplicable no-machine-config'],
  ],
];

for (const [name, change, minutes, expected] of CASES) {
  t.test(`a node ${name}`, async (t) => {
    const root = t.testdir(treeOf({ ...NODE, ...change }));
    const then = (Date.now() - minutes * MINUTE_MS) / 1000;
    for (const path of [ANNOTATIONS, STAGED]) {
      if (change[path] !== undefined) utimesSync(root + path, then, then);
    }
    const findings = await node.run(contextAt(root), AbortSignal.timeout(5000));
    const found = findings.filter(({ ruleId }) => ruleId === 'node.mco-state');
    t.strictSame(
      found.map(lineOf),
      expected.map((line) => `node.mco-state ${line}`),
    );
  });
}

t.test('a reason is told, however long the daemon made it', async (t) => {
  const reason = `unexpected on-disk state ${'x'.repeat(5000)}`;
  const root = t.testdir(
    treeOf({ ...NODE, ...annotated({ ...settled, state: 'Degraded', reason }) }),
  );
  const findings = await node.run(contextAt(root), AbortSignal.timeout(5000));
  const found = findings.find(({ ruleId }) => ruleId === 'node.mco-state');
  t.match(found?.message, /is Degraded: unexpected on-disk state x+$/);
  t.ok((found?.message.length ?? 0) < 300);
});
