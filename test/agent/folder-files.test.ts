import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { filesBelow, walkedFiles } from '../../agent/folder-files.ts';
import { openHost } from '../../agent/host.ts';

/** /usr/local of CoreOS is a link into /var, which need not be mounted into the view of an agent in a container. */
const cases: readonly (readonly [
  name: string,
  make: (root: string) => void,
  expected: object | undefined,
])[] = [
  ['that is not there', () => {}, undefined],
  [
    'behind a link that leads nowhere here',
    (root) => symlinkSync('../var/usrlocal', join(root, 'usr/local')),
    { files: [], problem: { reason: 'not-visible', path: '/usr/local' } },
  ],
  [
    'that is itself such a link',
    (root) => {
      mkdirSync(join(root, 'usr/local'));
      symlinkSync('/var/bin', join(root, 'usr/local/bin'));
    },
    { files: [], problem: { reason: 'not-visible', path: '/usr/local/bin' } },
  ],
  [
    'behind a link whose end is there',
    (root) => {
      mkdirSync(join(root, 'var/usrlocal/bin/sub'), { recursive: true });
      symlinkSync('../var/usrlocal', join(root, 'usr/local'));
    },
    { files: ['/usr/local/bin/sub'] },
  ],
];
for (const [name, make, expected] of cases) {
  t.test(`the files of a folder ${name}`, async (t) => {
    const root = t.testdir({ usr: {} });
    make(root);
    const found = await filesBelow(openHost(root), '/usr/local/bin', 0);
    if (expected === undefined) t.equal(found, undefined);
    else t.match(found, expected);
  });
}

t.test('a walk takes all files in order, and goes through no link', async (t) => {
  const root = t.testdir({ d: { b: { z: '', a: '' }, a: '', 'c.conf': '' }, other: { x: '' } });
  symlinkSync('../other', join(root, 'd/link'));
  const host = openHost(root);
  t.same(await walkedFiles(host, '/d'), ['/d/a', '/d/b/a', '/d/b/z', '/d/c.conf', '/d/link']);
  t.same(await walkedFiles(host, '/none'), []);
  symlinkSync('/var/hidden', join(root, 'hidden'));
  await t.rejects(walkedFiles(host, '/hidden/d'), { message: /^\/hidden: leads to \/var\/hidden/ });
});
