import t from 'tap';
import { selinux } from '../../../agent/checks/selinux.ts';
import type { Finding } from '../../../shared/findings.ts';
import { contextAt, lineOf, treeOf } from '../../support/host-tree.ts';
import { policyOf } from '../../support/selinux-policy.ts';

const CONFIG = '/etc/selinux/config';
const FOLDER = '/etc/selinux/targeted/policy';
const POLICY = `${FOLDER}/policy.33`;
const stock = policyOf();

type Files = Readonly<Partial<Record<string, string | Buffer>>>;

const NODE: Files = {
  [CONFIG]: 'SELINUX=enforcing\nSELINUXTYPE=targeted\n',
  '/sys/fs/selinux/policyvers': '33',
  '/sys/fs/selinux/mls': '1',
  '/sys/fs/selinux/deny_unknown': '0',
  [POLICY]: stock,
};

/** What is configured, whatever is on disk. */
const CONFIGURED: readonly (readonly [
  name: string,
  config: string | undefined,
  expected: string,
])[] = [
  ['with the targeted policy', 'SELINUXTYPE=targeted\n', 'pass'],
  ['with the mls policy', 'SELINUXTYPE=mls\n', 'pass'],
  ['with the minimum policy', 'SELINUXTYPE=minimum\n', 'fail other-policy'],
  [
    'with two policies, of which the last counts',
    'SELINUXTYPE=targeted\nSELINUXTYPE=minimum\n',
    'fail other-policy',
  ],
  ['that names no policy', 'SELINUX=enforcing\n', 'fail missing'],
  ['without a configuration', undefined, 'notapplicable no-configuration'],
];

for (const [name, config, expected] of CONFIGURED) {
  t.test(`selinux.policy-type: a node ${name}`, async (t) => {
    const [found] = await typeFindings(t.testdir(treeOf({ ...NODE, [CONFIG]: config })));
    t.equal(found && lineOf(found), `selinux.policy-type ${expected}`);
  });
}

const TYPES: readonly (readonly [name: string, change: Files, line: string])[] = [
  ['whose kernel takes the policy', {}, 'pass'],
  [
    'with an older policy beside it',
    { [`${FOLDER}/policy.31`]: policyOf({ version: 31 }) },
    'pass',
  ],
  [
    'whose kernel takes the older one of two',
    { '/sys/fs/selinux/policyvers': '31', [`${FOLDER}/policy.31`]: policyOf({ version: 31 }) },
    'pass',
  ],
  ['whose selinuxfs is not visible', { '/sys/fs/selinux/policyvers': undefined }, 'pass'],
  ['whose kernel is too old for it', { '/sys/fs/selinux/policyvers': '31' }, 'fail no-policy'],
  ['whose folder holds no policy', { [POLICY]: undefined, [`${FOLDER}/x`]: '' }, 'fail no-policy'],
  ['whose policy is empty', { [POLICY]: '' }, 'fail invalid'],
  ['whose policy is cut', { [POLICY]: stock.subarray(0, 60) }, 'fail invalid'],
  [
    'whose policy is of another version than its name',
    { [POLICY]: policyOf({ version: 31 }) },
    'fail other-version',
  ],
  [
    'without a line for the type, where libselinux takes targeted',
    { [CONFIG]: 'SELINUX=enforcing\n' },
    'pass',
  ],
  ['without the folder', { [POLICY]: undefined }, 'error not-visible'],
];

for (const [name, change, line] of TYPES) {
  t.test(`selinux.policy-type of what is on disk: a node ${name}`, async (t) => {
    const lines = (await typeFindings(t.testdir(treeOf({ ...NODE, ...change })))).map(lineOf);
    t.ok(lines.includes(`selinux.policy-type ${line} @ ${FOLDER}`), lines.join('\n'));
  });
}

t.test('selinux.policy-type: what the policy says is evidence', async (t) => {
  const found = await typeFindings(t.testdir(treeOf(NODE)));
  t.strictSame(found.at(-1)?.observed, {
    version: 33,
    kernelMax: 33,
    mls: true,
    unknown: 'allow',
    running: 'mls=1 deny_unknown=0',
  });
});

t.test(
  'selinux.policy-type: a type that leads out of the folder is no place to look',
  async (t) => {
    const lines = (
      await typeFindings(t.testdir(treeOf({ ...NODE, [CONFIG]: 'SELINUXTYPE=../../root\n' })))
    ).map(lineOf);
    t.strictSame(lines, ['selinux.policy-type fail other-policy']);
  },
);

async function typeFindings(root: string): Promise<readonly Finding[]> {
  const found = await selinux.run(contextAt(root), AbortSignal.timeout(10_000));
  return found.filter(({ ruleId }) => ruleId === 'selinux.policy-type');
}
