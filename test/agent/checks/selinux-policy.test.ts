import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import t from 'tap';
import { selinux } from '../../../agent/checks/selinux.ts';
import type { Baseline } from '../../../agent/desired/baseline.ts';
import { captureBaseline } from '../../../agent/desired/baseline.ts';
import type { Host } from '../../../agent/host.ts';
import type { Finding } from '../../../shared/findings.ts';
import { contextAt, lineOf, treeOf } from '../../support/host-tree.ts';
import { policyOf } from '../../support/selinux-policy.ts';

const CONFIG = '/etc/selinux/config';
const FOLDER = '/etc/selinux/targeted/policy';
const POLICY = `${FOLDER}/policy.33`;
const VENDORS = `/usr${POLICY}`;
const OSTREE_STORE = '/etc/selinux/targeted/active';
const STORE = '/var/lib/selinux/targeted/active';
const stock = policyOf({ permissive: ['sshd_t'] });
const local = policyOf({ permissive: ['sshd_t', 'httpd_t'] });

type Files = Readonly<Partial<Record<string, string | Buffer>>>;

/** RHCOS: the image's own copy is in /usr/etc, with the booleans it was composed with. */
const RHCOS: Files = {
  [CONFIG]: 'SELINUX=enforcing\nSELINUXTYPE=targeted\n',
  '/sys/fs/selinux/enforce': '1',
  '/sys/fs/selinux/policyvers': '33',
  '/sys/fs/selinux/mls': '1',
  '/sys/fs/selinux/deny_unknown': '0',
  '/etc/selinux/semanage.conf': 'module-store = direct\nstore-root = /etc/selinux/\n',
  [POLICY]: stock,
  [VENDORS]: stock,
  ...on(OSTREE_STORE, 'booleans.local', 'virt_use_samba=1\n'),
  ...on(`/usr${OSTREE_STORE}`, 'booleans.local', 'virt_use_samba=1\n'),
  ...on(OSTREE_STORE, 'modules/100/base/cil', 'base'),
};
/** RHEL of packages: the store holds what the policy was built to. */
const RHEL: Files = {
  ...RHCOS,
  '/etc/selinux/semanage.conf': '# store-root = /elsewhere\n',
  [VENDORS]: undefined,
  ...on(OSTREE_STORE, 'booleans.local', undefined),
  ...on(OSTREE_STORE, 'modules/100/base/cil', undefined),
  ...on(`/usr${OSTREE_STORE}`, 'booleans.local', undefined),
  ...on(STORE, 'policy.kern', stock),
  ...on(STORE, 'modules/100/base/cil', 'base'),
  ...on(STORE, 'modules/200/container/cil', 'container'),
  ...on(STORE, 'modules/400/extra_varrun/cil', 'made by a script of the package'),
  ...on(STORE, 'modules/disabled/sandbox', ''),
  ...on(STORE, 'seusers.local', '# This file is auto-generated\n\n'),
};

function on(folder: string, name: string, content: string | Buffer | undefined): Files {
  return { [`${folder}/${name}`]: content };
}

/** Lines of policy-unmodified and permissive-domains. */
const CHANGES: readonly (readonly [
  name: string,
  node: Files,
  unmodified: string,
  permissive: string,
])[] = [
  ['RHCOS as shipped', RHCOS, 'pass', 'pass'],
  ['RHEL as installed', RHEL, 'pass', 'pass'],
  [
    'RHCOS with another policy of the same domains',
    { ...RHCOS, [POLICY]: policyOf({ permissive: ['sshd_t'], rest: 'allow' }) },
    'fail modified',
    'pass',
  ],
  [
    'RHCOS with a domain more',
    { ...RHCOS, [POLICY]: local },
    'fail modified',
    'fail permissive-domain',
  ],
  ['RHCOS with a domain less', { ...RHCOS, [POLICY]: policyOf() }, 'fail modified', 'pass'],
  [
    'RHCOS whose image enforces all',
    { ...RHCOS, [VENDORS]: policyOf() },
    'fail modified',
    'fail permissive-domain',
  ],
  [
    'RHCOS with a boolean kept by setsebool -P',
    { ...RHCOS, ...on(OSTREE_STORE, 'booleans.local', 'virt_use_samba=1\nx=1\n') },
    'fail local-changes',
    'pass',
  ],
  [
    'RHCOS with a local module not yet built in',
    { ...RHCOS, ...on(OSTREE_STORE, 'modules/400/mine/cil', 'x') },
    'fail local-changes',
    'pass',
  ],
  [
    'RHCOS with a local module of its image',
    {
      ...RHCOS,
      ...on(OSTREE_STORE, 'modules/400/images/cil', 'x'),
      ...on(`/usr${OSTREE_STORE}`, 'modules/400/images/cil', 'x'),
    },
    'pass',
    'pass',
  ],
  [
    'RHCOS with another content of a local module of its image',
    {
      ...RHCOS,
      ...on(OSTREE_STORE, 'modules/400/images/cil', 'x'),
      ...on(`/usr${OSTREE_STORE}`, 'modules/400/images/cil', 'y'),
    },
    'fail local-changes',
    'pass',
  ],
  [
    'RHEL with a local module',
    { ...RHEL, ...on(STORE, 'modules/400/mine/cil', 'x') },
    'fail local-changes',
    'unknown no-oracle',
  ],
  [
    'RHEL with a domain made permissive',
    {
      ...RHEL,
      [POLICY]: local,
      ...on(STORE, 'policy.kern', local),
      ...on(STORE, 'modules/400/permissive_httpd_t/cil', '(typepermissive httpd_t)'),
    },
    'fail local-changes',
    'fail permissive-domain',
  ],
  [
    'RHEL with a module switched off that is long gone',
    { ...RHEL, ...on(STORE, 'modules/disabled/nessus', '') },
    'pass',
    'pass',
  ],
  [
    'RHEL with a module switched off',
    {
      ...RHEL,
      ...on(STORE, 'modules/disabled/sshd', ''),
      ...on(STORE, 'modules/100/sshd/cil', 'x'),
    },
    'fail local-changes',
    'unknown no-oracle',
  ],
  [
    'RHEL with a policy its store was not built to',
    { ...RHEL, [POLICY]: local },
    'fail modified',
    'unknown no-oracle',
  ],
  [
    'RHEL whose store keeps no built policy',
    { ...RHEL, ...on(STORE, 'policy.kern', undefined) },
    'pass',
    'unknown no-oracle',
  ],
  [
    'a policy with nothing to compare it with',
    { [CONFIG]: 'SELINUXTYPE=targeted\n', [POLICY]: policyOf() },
    'error not-visible',
    'pass',
  ],
  [
    'a policy of a version to come',
    {
      ...RHCOS,
      '/sys/fs/selinux/policyvers': '40',
      [`${FOLDER}/policy.40`]: policyOf({ version: 40 }),
    },
    'pass',
    'unknown policy-version',
  ],
  ['a policy that is none', { ...RHCOS, [POLICY]: 'x' }, 'fail modified', 'error parse'],
  [
    'no configuration',
    { ...RHCOS, [CONFIG]: undefined },
    'notapplicable no-configuration',
    'notapplicable no-configuration',
  ],
];

for (const [name, node, unmodified, permissive] of CHANGES) {
  t.test(`the policy of ${name}`, async (t) => {
    const lines = await say(t.testdir(treeOf(node)));
    t.strictSame(
      lines.filter((line) => !line.startsWith('selinux.policy-type')),
      [`selinux.policy-unmodified ${unmodified}`, `selinux.permissive-domains ${permissive}`],
    );
  });
}

t.test('what was changed is named, and on an ostree system what becomes of it', async (t) => {
  const node = { ...RHCOS, [POLICY]: local, ...on(OSTREE_STORE, 'modules/400/mine/cil', 'x') };
  const [unmodified] = await findings(t.testdir(treeOf(node)), 'selinux.policy-unmodified');
  t.match(
    unmodified?.message,
    /differs from .usr.etc.*module 400.mine; it will freeze on OS update/,
  );
  const [permissive] = await findings(t.testdir(treeOf(node)), 'selinux.permissive-domains');
  t.match(permissive?.message, /httpd_t/);
  t.notMatch(permissive?.message, /sshd_t/);
});

t.test('a changed policy that a baseline accepted is right until it changes again', async (t) => {
  const module = '/var/lib/selinux/targeted/active/modules/400/permissive_httpd_t/cil';
  const changed = { ...RHEL, [POLICY]: local, ...on(STORE, 'policy.kern', local), [module]: 'x' };
  const root = t.testdir(treeOf(changed));
  const baseline = baselineOf(await all(contextAt(root)));
  const look = async (): Promise<readonly string[]> =>
    (await all(contextAt(root, baseline))).map(lineOf);
  const accepted = ['selinux.policy-unmodified pass', 'selinux.permissive-domains pass'];
  t.strictSame((await look()).slice(2), accepted);

  const updated = policyOf({ permissive: ['sshd_t', 'httpd_t'], rest: 'update' });
  for (const path of [POLICY, `${STORE}/policy.kern`]) writeFileSync(root + path, updated);
  t.strictSame((await look()).slice(2), accepted, 'a rebuild with the same changes');

  writeFileSync(root + module, 'another content');
  t.match((await look()).slice(2), ['selinux.policy-unmodified fail local-changes']);
});

t.test('a policy that did not change is not read again', async (t) => {
  const root = t.testdir(treeOf(RHCOS));
  const context = contextAt(root);
  const reads: string[] = [];
  const host: Host = new Proxy(context.host, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (name !== 'readBytes') return member.bind(target);
      return async (path: string, limit?: number) => {
        if (path.endsWith('policy.33')) reads.push(path);
        return await target.readBytes(path, limit);
      };
    },
  });
  let nowMs = Date.now() + 60_000;
  const clock = { ...context.clock, nowMs: () => nowMs, monotonicMs: () => nowMs };
  const look = async (): Promise<readonly string[]> => {
    reads.length = 0;
    await all({ ...context, host, clock });
    return reads;
  };
  t.strictSame(await look(), [POLICY, VENDORS]);
  t.strictSame(await look(), []);
  rmSync(root + POLICY);
  mkdirSync(dirname(root + POLICY), { recursive: true });
  writeFileSync(root + POLICY, stock);
  utimesSync(root + POLICY, 0, 0);
  nowMs += 1000;
  t.strictSame(await look(), [POLICY], 'another file, though with an old date');
  nowMs = Date.now();
  writeFileSync(root + POLICY, local);
  await look();
  t.ok((await look()).includes(POLICY), 'what changed just now may change again unseen');
});

async function all(context: ReturnType<typeof contextAt>): Promise<readonly Finding[]> {
  const found = await selinux.run(context, AbortSignal.timeout(10_000));
  return found.filter(({ ruleId }) => /policy|permissive/.test(ruleId));
}

async function findings(root: string, ruleId: string): Promise<readonly Finding[]> {
  return (await all(contextAt(root))).filter((finding) => finding.ruleId === ruleId);
}

async function say(root: string): Promise<readonly string[]> {
  return (await all(contextAt(root))).map(lineOf);
}

function baselineOf(found: readonly Finding[]): Baseline {
  return captureBaseline({ findings: found, files: {}, acceptedAt: '', acceptedBy: 'x' });
}
