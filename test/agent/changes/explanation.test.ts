import t from 'tap';
import { explain } from '../../../agent/changes/explanation.ts';
import { captureBaseline } from '../../../agent/desired/baseline.ts';
import { type DesiredState, desiredState } from '../../../agent/desired/desired.ts';
import { openHost } from '../../../agent/host.ts';
import type { Members } from '../../../agent/members.ts';
import { sha256 } from '../../../shared/canonical.ts';
import { treeOf } from '../../support/host-tree.ts';
import { machineConfigOf } from '../../support/machine-config.ts';

const FOLDER = '/etc/machine-config-daemon';
const WANTED = sha256('wanted');
const root = t.testdir(
  treeOf({
    [`${FOLDER}/currentconfig`]: machineConfigOf({ '/mc': 'wanted', '/kept': 'wanted' }),
  }),
);
const baseline = captureBaseline({
  findings: [],
  files: { '/accepted': { sha256: WANTED, mode: 0o644 } },
  acceptedAt: '2026-01-01T00:00:00Z',
  acceptedBy: 'admin',
});
const item = (kind: string, members: Members = {}): Members => ({ class: kind, ...members });
const managed = item('managed', { expectedSha256: WANTED });
const ours = item('managed', { manager: 'rendered-worker-0' });
const boot = (was: string | undefined, now: string | undefined) => ({ was, now });

type Row = readonly [
  name: string,
  path: string,
  was: Members | undefined,
  now: Members | undefined,
  deployment: ReturnType<typeof boot>,
  expected: object | undefined,
];
const SAME = boot('a', 'a');
const OTHER = boot('a', 'b');
const MC = { by: 'machine-config', name: 'rendered-worker-1' };
const OS = { by: 'os-deployment', was: 'a', now: 'b' };
const ROWS: readonly Row[] = [
  ['as the MachineConfig has it', '/mc', item('managed-drift'), managed, SAME, MC],
  ['as the MachineConfig has it, new', '/mc', undefined, managed, SAME, MC],
  [
    'as accepted',
    '/accepted',
    item('managed-drift'),
    managed,
    SAME,
    { by: 'baseline', name: /admin/ },
  ],
  [
    'as another MachineConfig had it, which was replaced meanwhile',
    '/mc',
    item('managed-drift'),
    item('managed', { expectedSha256: sha256('other') }),
    SAME,
    undefined,
  ],
  ['not as the MachineConfig has it', '/mc', managed, item('managed-drift'), SAME, undefined],
  ['of nobody', '/x', undefined, item('unmanaged'), OTHER, undefined],
  ['taken away by the next MachineConfig', '/x', ours, undefined, SAME, MC],
  ['given back to the image by the next MachineConfig', '/x', ours, item('vendor'), SAME, MC],
  [
    'taken away though the MachineConfig is the same',
    '/x',
    item('managed', { manager: 'rendered-worker-1' }),
    undefined,
    SAME,
    undefined,
  ],
  ['taken away though the next one names it too', '/kept', ours, undefined, SAME, undefined],
  [
    'that was accepted and went',
    '/x',
    item('managed', { manager: 'baseline accepted by a at b' }),
    undefined,
    SAME,
    undefined,
  ],
  ['as the next image has it', '/x', item('vendor'), item('vendor'), OTHER, OS],
  ['new in the next image', '/x', undefined, item('vendor'), OTHER, OS],
  ['no more in the next image', '/x', item('vendor'), undefined, OTHER, OS],
  ['of somebody, gone with the next image', '/x', item('unmanaged'), undefined, OTHER, undefined],
  ['not as the next image has it', '/x', item('vendor'), item('vendor-modified'), OTHER, undefined],
  ['as the same image has it', '/x', item('vendor-modified'), item('vendor'), SAME, undefined],
  ['at the first look', '/x', item('vendor'), item('vendor'), boot(undefined, 'b'), undefined],
  [
    'where no image is booted',
    '/x',
    item('vendor'),
    item('vendor'),
    boot('a', undefined),
    undefined,
  ],
];

const update = { by: 'node-annotations', path: '/a', desiredConfig: 'rendered-worker-2' } as const;

t.test('who asked for a change', async (t) => {
  const desired = await desiredState(openHost(root), baseline);
  for (const [name, path, was, now, deployment, expected] of ROWS) {
    t.test(`a file ${name}: ${expected === undefined ? 'nobody' : 'explained'}`, async (t) => {
      const found = explain(path, was, now, { desired, deployment });
      if (expected === undefined) t.equal(found, undefined);
      else t.match(found, expected);
      const during = explain(path, was, now, { desired: { ...desired, update }, deployment });
      t.match(
        during,
        expected ?? { by: 'update-in-progress', sign: '/a', desiredConfig: 'rendered-worker-2' },
        'an update under way explains what nothing else does',
      );
    });
  }
});

t.test('a MachineConfig that somebody edited explains nothing', async (t) => {
  const desired = await desiredState(openHost(root), baseline);
  const situation = { desired, deployment: SAME, isAltered: true };
  t.equal(explain('/mc', undefined, managed, situation), undefined);
  t.equal(explain('/x', ours, undefined, situation), undefined);
  t.match(explain('/accepted', undefined, managed, situation), { by: 'baseline' });
});

t.test('a MachineConfig that cannot be used explains nothing', async (t) => {
  const broken = t.testdir(treeOf({ [`${FOLDER}/currentconfig`]: '[' }));
  const desired: DesiredState = await desiredState(openHost(broken), baseline);
  for (const path of ['/mc', '/accepted']) {
    t.equal(explain(path, undefined, managed, { desired, deployment: SAME }), undefined);
  }
});
