import t from 'tap';
import type { Statement } from '../../../agent/check.ts';
import {
  agent,
  clock,
  confinement,
  eventsDropped,
  files,
  hostRootWritable,
  opensslFips,
} from '../../../agent/checks/agent.ts';
import { openHost } from '../../../agent/host.ts';
import type { SelfFacts } from '../../../agent/self.ts';
import { contextAt, treeOf } from '../../support/host-tree.ts';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const FACTS: SelfFacts = {
  bootId: 'b-1',
  selinuxType: 'container_t',
  seccompMode: 2,
  capabilities: '0000000000000000',
  noNewPrivileges: true,
  mounts: [],
  openssl: '3.5.0',
  isFips: false,
};

function brief({ result, reason, severity }: Statement): string {
  return [result, reason, severity].filter((word) => word !== undefined).join(' ');
}

const node = (flag: string | undefined): Readonly<Record<string, string | undefined>> => ({
  [BOOT_ID]: 'b-1\n',
  '/proc/sys/kernel/osrelease': '5.14.0\n',
  '/proc/sys/crypto/fips_enabled': flag,
});
const modes: readonly (readonly [
  string,
  Readonly<Record<string, string | undefined>>,
  boolean,
  string,
])[] = [
  ['in FIPS mode, and this process is', node('1\n'), true, 'pass'],
  ['in FIPS mode, and this process is not', node('1\n'), false, 'fail not-fips high'],
  ['not in FIPS mode', node('0\n'), false, 'notapplicable not-expected'],
  ['not in FIPS mode, and this process is', node('0\n'), true, 'notapplicable not-expected'],
  ['without FIPS in its kernel', node(undefined), false, 'notapplicable not-expected'],
  ['whose procfs is not visible', { [BOOT_ID]: 'b-1\n' }, false, 'error not-visible'],
  [
    'of another boot in FIPS mode',
    { ...node('1\n'), [BOOT_ID]: 'b-2\n' },
    false,
    'notapplicable other-machine',
  ],
  ['of which nothing is known', {}, false, 'notapplicable other-machine'],
];
for (const [name, tree, isFips, expected] of modes) {
  t.test(`openssl-fips on a node ${name}`, async (t) => {
    const host = openHost(t.testdir(treeOf(tree)));
    const said = await opensslFips(host, { ...FACTS, isFips });
    t.equal(brief(said), expected);
    t.equal(said.subject, 'openssl-fips');
    t.strictSame(said.observed, { openssl: '3.5.0', fips: isFips });
  });
}

const confinements: readonly (readonly [string, Partial<SelfFacts>, string])[] = [
  ['confined and filtered', {}, 'pass'],
  ['confined without a filter', { seccompMode: 0 }, 'notapplicable informational'],
  ['as spc_t, as in the DaemonSet', { selinuxType: 'spc_t' }, 'notapplicable informational'],
  ['unconfined', { selinuxType: 'unconfined_t' }, 'notapplicable informational'],
  [
    'as a service without a domain',
    { selinuxType: 'unconfined_service_t' },
    'notapplicable informational',
  ],
  ['without SELinux', { selinuxType: undefined }, 'notapplicable informational'],
  ['of which nothing is visible', { seccompMode: undefined }, 'notapplicable informational'],
];
for (const [name, facts, expected] of confinements) {
  t.test(`confinement of a process ${name}`, async (t) => {
    const said = confinement({ ...FACTS, ...facts });
    t.equal(brief(said), expected);
    t.match(said.observed, { capabilities: '0000000000000000', noNewPrivileges: true });
  });
}

t.test('the host root of this machine, by how it is mounted', async (t) => {
  const root = t.testdir(treeOf(node('0\n')));
  const at = (...points: readonly (readonly [string, boolean])[]): SelfFacts => ({
    ...FACTS,
    mounts: points.map(([point, isWritable]) => ({ point, isWritable })),
  });
  const cases: readonly (readonly [string, SelfFacts, boolean, string])[] = [
    ['read-only', at([`${root}/etc`, false], ['/state', true]), true, 'pass'],
    [
      'with one folder writable',
      at([`${root}/etc`, false], [`${root}/usr`, true]),
      true,
      'fail writable low',
    ],
    ['writable as a whole', at([root, true]), true, 'fail writable low'],
    ['writable only below what is mounted', at([root, false], [`${root}/sys`, true]), true, 'pass'],
    ['writable, for a person', at([root, true]), false, 'notapplicable informational'],
    ['not a mount, for the agent', at(['/', true]), true, 'error not-visible'],
    ['not a mount, for a person', at(['/', true]), false, 'notapplicable not-visible'],
    [
      'of another boot',
      { ...at([root, true]), bootId: 'b-2' },
      true,
      'notapplicable other-machine',
    ],
  ];
  for (const [name, facts, isAgent, expected] of cases) {
    t.equal(brief(await hostRootWritable(openHost(root), facts, isAgent)), expected, name);
  }
  // Without a container: what systemd leaves writable is no fault, read-only is better.
  t.equal(
    brief(await hostRootWritable(openHost('/'), at(['/', true]), true)),
    'notapplicable informational',
  );
  t.equal(brief(await hostRootWritable(openHost('/'), at(['/', false]), true)), 'pass');
});

t.test('files that everybody may write are no evidence of anything', async (t) => {
  const own = {
    version: '1.2.3',
    folder: '/usr/lib/nodeseal',
    count: 7,
    sha256: 'ab',
    writable: undefined,
  };
  t.match(files(own), {
    result: 'pass',
    message: 'nodeseal 1.2.3 in /usr/lib/nodeseal has 7 files with the digest ab',
    observed: { version: '1.2.3', files: 7, sha256: 'ab' },
  });
  t.match(files({ ...own, writable: '/usr/lib/nodeseal/x.js' }), {
    result: 'fail',
    severity: 'high',
    message: /^\/usr\/lib\/nodeseal\/x\.js can be written by everybody/,
  });
});

t.test('events that were lost since the start', async (t) => {
  t.match(eventsDropped({ lostEvents: () => 0 }), { result: 'pass', observed: { lost: 0 } });
  t.match(eventsDropped({ lostEvents: () => 12 }), {
    result: 'fail',
    severity: 'low',
    message: /^12 events were lost/,
    observed: { lost: 12 },
  });
});

const skews: readonly (readonly [number | undefined, readonly string[], RegExp | undefined])[] = [
  [undefined, [], undefined],
  [0, ['pass'], /within 5 s/],
  [5000, ['pass'], /within 5 s/],
  [-5000, ['pass'], /within 5 s/],
  [6000, ['fail skewed low'], /node is 6 s behind the aggregator/],
  [-3_600_000, ['fail skewed low'], /node is 3600 s ahead of the aggregator/],
];
for (const [aheadMs, expected, message] of skews) {
  t.test(`a clock of the aggregator that is ${aheadMs} ms ahead`, async (t) => {
    const said = clock({ serverAheadMs: () => aheadMs });
    t.strictSame(said.map(brief), expected);
    if (message !== undefined) t.match(said[0]?.message, message);
  });
}

t.test('the command line speaks of itself, the agent of what it knows besides', async (t) => {
  const root = t.testdir({});
  const subjects = async (self?: Parameters<typeof agent.run>[0]['self']) =>
    (await agent.run({ ...contextAt(root), self }, AbortSignal.timeout(5000))).map(
      ({ subject }) => subject,
    );
  const own = ['openssl-fips', 'confinement', 'host-root-writable', 'files'];
  t.strictSame(await subjects(), own);
  t.strictSame(await subjects({ lostEvents: () => 0, serverAheadMs: () => 5 }), [
    ...own,
    'events-dropped',
    'clock',
  ]);
});

t.test('this machine shows no failure of its own reporter', async (t) => {
  const found = await agent.run(contextAt('/'), AbortSignal.timeout(5000));
  t.strictSame(
    found.filter(({ result }) => result !== 'pass' && result !== 'notapplicable'),
    [],
  );
});
