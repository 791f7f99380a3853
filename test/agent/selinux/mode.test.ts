import t from 'tap';
import { openHost } from '../../../agent/host.ts';
import {
  CONFIG,
  configuredModes,
  configuredType,
  effectiveType,
} from '../../../agent/selinux/mode.ts';
import { treeOf } from '../../support/host-tree.ts';

/** As `selinux_getenforcemode` of libselinux reads them: the first mode counts. */
const MODES: readonly (readonly [text: string, modes: readonly string[]])[] = [
  ['SELINUX=enforcing\n', ['enforcing']],
  ['SELINUX=Enforcing', ['enforcing']],
  ['SELINUX= \t permissive # why\n', ['permissive']],
  ['SELINUX=enforcing_or_so\n', ['enforcing']],
  ['SELINUX=\nenforcing\n', []],
  ['SELINUX="enforcing"\n', []],
  ['selinux=enforcing\n', []],
  [' SELINUX=enforcing\n', []],
  ['#SELINUX=enforcing\n', []],
  ['SELINUX =enforcing\n', []],
  ['x\rSELINUX=enforcing\n', []],
  ['SELINUX=nonsense\nSELINUX=disabled\nSELINUX=enforcing\n', ['disabled', 'enforcing']],
];

for (const [text, modes] of MODES) {
  t.test(`the modes of ${JSON.stringify(text)}`, async (t) => {
    const host = openHost(t.testdir(treeOf({ [CONFIG]: text })));
    t.strictSame(await configuredModes(host), modes);
  });
}

/** As `init_selinux_config` of libselinux reads them: the last line counts, without one it is targeted. */
const TYPES: readonly (readonly [text: string, named: string, taken: string])[] = [
  ['SELINUXTYPE=targeted\n', 'targeted', 'targeted'],
  ['SELINUXTYPE= \t mls \t\r\n', 'mls', 'mls'],
  [' selinuxtype=mls\n', 'mls', 'mls'],
  ['SELINUXTYPE=mls\nSELINUXTYPE=minimum\n', 'minimum', 'minimum'],
  ['SELINUXTYPE=mls\n#SELINUXTYPE=minimum\n', 'mls', 'mls'],
  ['SELINUXTYPE=\n', '', ''],
  ['SELINUX=enforcing\n', '', 'targeted'],
];

for (const [text, named, taken] of TYPES) {
  t.test(`the policy of ${JSON.stringify(text)}`, async (t) => {
    const host = openHost(t.testdir(treeOf({ [CONFIG]: text })));
    t.equal(await configuredType(host), named);
    t.equal(await effectiveType(host), taken);
  });
}

t.test('without the file nothing is configured', async (t) => {
  const host = openHost(t.testdir({}));
  t.equal(await configuredModes(host), undefined);
  t.equal(await configuredType(host), undefined);
  t.equal(await effectiveType(host), undefined);
});
