import t from 'tap';
import { selinux } from '../../../agent/checks/selinux.ts';
import { say, treeOf } from '../../support/host-tree.ts';

const CRIO = '/etc/crio/crio.conf.d';
const NODE = { [`${CRIO}/00-default`]: '[crio.runtime]\nselinux = true\n' };

const STATES: readonly (readonly [
  name: string,
  change: Readonly<Record<string, string | undefined>>,
  expected: string,
])[] = [
  ['whose CRI-O labels', {}, 'pass'],
  [
    'whose last drop-in switches labels off',
    { [`${CRIO}/99-x`]: '[crio.runtime]\nselinux = false\n' },
    'fail labels-off',
  ],
  ['whose CRI-O follows the node', { [`${CRIO}/00-default`]: '[crio.runtime]\n' }, 'pass'],
  ['without CRI-O', { [`${CRIO}/00-default`]: undefined }, 'notapplicable no-crio'],
  ['with a drop-in that is no TOML', { [`${CRIO}/99-x`]: '[crio.runtime\n' }, 'error parse'],
  [
    'with a drop-in of the wrong type',
    { [`${CRIO}/99-x`]: '[crio.runtime]\nselinux = "false"\n' },
    'error parse',
  ],
];

for (const [name, change, expected] of STATES) {
  t.test(`selinux.crio-enabled: a node ${name}`, async (t) => {
    const lines = await say(selinux, t.testdir(treeOf({ ...NODE, ...change })));
    t.strictSame(
      lines.filter((line) => line.startsWith('selinux.crio-enabled')),
      [`selinux.crio-enabled ${expected}`],
    );
  });
}
