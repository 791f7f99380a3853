import t from 'tap';
import { openHost } from '../../agent/host.ts';
import { isThisMachine, mountsIn, readSelf, topMounts } from '../../agent/self.ts';
import { treeOf } from '../support/host-tree.ts';

/** As /proc/self/mountinfo of the DaemonSet's container shows it. */
const MOUNTINFO = `1201 1001 0:55 / / ro,relatime master:1 - overlay overlay rw,lowerdir=/a
1202 1201 0:57 / /proc rw,nosuid - proc proc rw
1210 1201 8:4 /etc /host/etc ro,relatime - xfs /dev/sda4 rw,seclabel
1211 1201 0:5 / /host/proc ro,relatime - proc proc rw
1212 1201 0:22 / /host/sys ro,relatime - sysfs sysfs rw
1213 1212 0:26 / /host/sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw
1214 1201 8:4 /var /hosting rw,relatime - xfs /dev/sda4 rw
1215 1201 8:5 / /host/with\\040blank ro,relatime - xfs /dev/sda5 rw
1216 1201 8:6 / /host/usr rw,relatime - erofs /dev/sda6 ro
`;

t.test('mounts are read as the kernel writes them', async (t) => {
  const mounts = new Map(mountsIn(MOUNTINFO).map(({ point, isWritable }) => [point, isWritable]));
  t.equal(mounts.get('/'), false, 'the mount is read-only, whatever the file system is');
  t.equal(mounts.get('/host/usr'), false, 'the file system is read-only, whatever the mount is');
  t.equal(mounts.get('/hosting'), true);
  t.equal(mounts.get('/host/with blank'), false);
  t.equal(mounts.size, 9);
});

t.test('a mount over another hides it', async (t) => {
  const text = `${MOUNTINFO}1300 1201 8:4 /etc /host/etc rw - xfs /dev/sda4 rw\n`;
  t.match(
    mountsIn(text).find(({ point }) => point === '/host/etc'),
    { isWritable: true },
  );
});

for (const [name, text] of [
  ['empty', ''],
  ['cut', '1201 1001 0:55 / /ho'],
  ['without a file system', '1201 1001 0:55 / /host ro,relatime'],
  ['of words', 'no such thing\n\n - - -\n'],
] as const) {
  t.test(`a table of mounts that is ${name} has none`, async (t) => {
    t.strictSame(mountsIn(text), []);
  });
}

const roots: readonly (readonly [string, readonly string[]])[] = [
  ['/', ['/']],
  ['/host', ['/host/etc', '/host/proc', '/host/sys', '/host/with blank', '/host/usr']],
  ['/host/sys', ['/host/sys']],
  ['/nowhere', []],
];
for (const [root, points] of roots) {
  t.test(`the mounts through which ${root} is seen`, async (t) => {
    t.strictSame(
      topMounts(mountsIn(MOUNTINFO), root).map(({ point }) => point),
      points,
    );
  });
}

t.test('a process is what its procfs says', async (t) => {
  const root = t.testdir(
    treeOf({
      '/proc/self/status': 'Name:\tnode\nCapEff:\t0000000000000004\nNoNewPrivs:\t1\nSeccomp:\t2\n',
      '/proc/self/attr/current': 'system_u:system_r:container_t:s0:c1,c2\0',
      '/proc/self/mountinfo': MOUNTINFO,
      '/proc/sys/kernel/random/boot_id': 'b-1\n',
    }),
  );
  const facts = await readSelf(openHost(root));
  t.match(facts, {
    bootId: 'b-1',
    selinuxType: 'container_t',
    seccompMode: 2,
    capabilities: '0000000000000004',
    noNewPrivileges: true,
    openssl: process.versions.openssl,
    isFips: Boolean,
  });
  t.ok(await isThisMachine(openHost('/'), facts), 'the root of this process is of its machine');
  t.ok(await isThisMachine(openHost(root), facts), 'the same boot is the same machine');
  t.notOk(await isThisMachine(openHost(root), { ...facts, bootId: 'b-2' }));
  t.notOk(await isThisMachine(openHost(root), { ...facts, bootId: undefined }));
});

t.test('what is not visible is not guessed', async (t) => {
  const facts = await readSelf(openHost(t.testdir({})));
  t.match(facts, {
    bootId: undefined,
    selinuxType: undefined,
    seccompMode: undefined,
    capabilities: undefined,
    noNewPrivileges: undefined,
    mounts: [],
  });
});

t.test('this process', async (t) => {
  const facts = await readSelf(openHost('/'));
  t.match(facts, { bootId: /^[0-9a-f-]{36}$/, capabilities: /^[0-9a-f]{16}$/ });
  t.ok(facts.mounts.length > 0);
});
