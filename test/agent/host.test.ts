// One piece: one promise over every kind of file: read within the root, absent, or refused with a reason.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import {
  DEFAULT_LIMIT_BYTES,
  type Host,
  HostError,
  isReadingReason,
  openHost,
} from '../../agent/host.ts';
import { alwaysPrivileged, asNobody } from '../support/unprivileged.ts';

/** A root with a secret beside it, which no link may reach. */
function node(t: Test): { root: string; host: Host } {
  const folder = t.testdir({
    secret: 'outside',
    root: {
      etc: {
        plain: 'inside',
        empty: '',
        folder: { file: 'deep', '.hidden': '' },
        relative: t.fixture('symlink', 'plain'),
        absolute: t.fixture('symlink', '/etc/plain'),
        up: t.fixture('symlink', '../etc/folder/file'),
        'far-up': t.fixture('symlink', '../../../../../../../../../../secret'),
        'absolute-out': t.fixture('symlink', '/secret'),
        dangling: t.fixture('symlink', '/nowhere/at/all'),
        itself: t.fixture('symlink', 'itself'),
        ping: t.fixture('symlink', 'pong'),
        pong: t.fixture('symlink', 'ping'),
        'through-file': t.fixture('symlink', 'plain/below'),
        binary: '',
      },
      linked: t.fixture('symlink', '/etc/folder'),
      proc: { zero: '' },
    },
  });
  const root = join(folder, 'root');
  writeFileSync(join(root, 'etc/binary'), Buffer.from([0x61, 0xff, 0xfe]));
  return { root, host: openHost(root) };
}

/** Reason of the refusal; throws when there was none. */
async function refusal(look: Promise<unknown>): Promise<string> {
  const error = await look.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (error instanceof HostError) return error.reason;
  throw error ?? new Error('expected a refusal');
}

const READS: readonly (readonly [what: string, path: string, content: string | undefined])[] = [
  ['a file', '/etc/plain', 'inside'],
  ['an empty file', '/etc/empty', ''],
  ['a relative link', '/etc/relative', 'inside'],
  ['an absolute link inside the root', '/etc/absolute', 'inside'],
  ['a link that goes up', '/etc/up', 'deep'],
  ['a folder that is a link', '/linked/file', 'deep'],
  ['a path with .. in it', '/etc/folder/../plain', 'inside'],
  ['a path with . and doubled slashes', '//etc/.//plain', 'inside'],
  ['a path above the root', '/../../etc/plain', 'inside'],
  ['.. behind a link, which is above its target', '/linked/../plain', 'inside'],
  ['what does not exist', '/etc/absent', undefined],
  ['what lies in a folder that does not exist', '/absent/file', undefined],
  ['a dangling link', '/etc/dangling', undefined],
  ['a link far above the root', '/etc/far-up', undefined],
  ['an absolute link that would lead outside', '/etc/absolute-out', undefined],
];

for (const [what, path, content] of READS) {
  t.test(
    `reading ${what} gives ${content === undefined ? 'nothing' : JSON.stringify(content)}`,
    async (t) => {
      t.equal(await node(t).host.readText(path), content);
    },
  );
}

const REFUSALS: readonly (readonly [what: string, path: string, reason: string])[] = [
  ['a folder', '/etc/folder', 'not-a-file'],
  ['a link to itself', '/etc/itself', 'link-loop'],
  ['two links that lead to each other', '/etc/ping', 'link-loop'],
  ['a file below a file', '/etc/plain/below', 'not-a-folder'],
  ['a link to a file below a file', '/etc/through-file', 'not-a-folder'],
  ['bytes that are no UTF-8', '/etc/binary', 'encoding'],
  ['a relative path', 'etc/plain', 'io'],
  ['a path with a zero byte', '/etc/pl\0ain', 'io'],
  ['a name longer than any file system takes', `/etc/${'x'.repeat(300)}`, 'io'],
];

for (const [what, path, reason] of REFUSALS) {
  t.test(`reading ${what} is refused: ${reason}`, async (t) => {
    const { host } = node(t);
    t.equal(await refusal(host.readText(path)), reason);
    t.ok(isReadingReason(reason));
  });
}

t.test('a fifo is refused without waiting for its writer', async (t) => {
  const { root, host } = node(t);
  execFileSync('mkfifo', [join(root, 'etc/fifo')]);
  t.equal(await refusal(host.readBytes('/etc/fifo')), 'not-a-file');
});

t.test('a device is refused without being opened', async (t) => {
  t.equal(await refusal(openHost('/').readBytes('/dev/null')), 'not-a-file');
});

t.test('a socket is refused', async (t) => {
  const { root, host } = node(t);
  const server = createServer();
  // The kernel takes short paths only.
  process.chdir(join(root, 'etc'));
  await new Promise<void>((resolve) => server.listen('socket', resolve));
  t.equal(await refusal(host.readBytes('/etc/socket')), 'not-a-file');
  server.close();
});

t.test('a file larger than the limit is refused before it is read', async (t) => {
  const { root, host } = node(t);
  const path = join(root, 'etc/sparse');
  writeFileSync(path, '');
  truncateSync(path, DEFAULT_LIMIT_BYTES + 1);
  t.equal(await refusal(host.readBytes('/etc/sparse')), 'too-large');
  truncateSync(path, 1000);
  t.equal((await host.readBytes('/etc/sparse', 1000))?.length, 1000);
  t.equal(await refusal(host.readBytes('/etc/sparse', 999)), 'too-large');
});

t.test('a file of procfs, which has no size, is read whole and within the limit', async (t) => {
  const host = openHost('/');
  t.equal((await host.stat('/proc/self/status'))?.size, 0);
  t.match(
    await host.readText('/proc/self/status'),
    /^Name:[\s\S]*\nnonvoluntary_ctxt_switches:.*\n$/,
  );
  t.equal(await refusal(host.readText('/proc/self/status', 16)), 'too-large');
});

t.test('a process that is gone is absent', async (t) => {
  t.equal(await openHost('/').readText('/proc/4194305/status'), undefined);
});

t.test('a root that is not there is an error, not a node without files', async (t) => {
  const folder = t.testdir({ file: '' });
  const host = openHost(join(folder, 'absent'));
  for (const look of [
    host.readText('/etc/plain'),
    host.list('/etc'),
    host.stat('/'),
    host.lstat('/etc'),
  ]) {
    t.equal(await refusal(look), 'root');
  }
  t.equal(await refusal(openHost(join(folder, 'file')).readText('/etc/plain')), 'root');
  mkdirSync(join(folder, 'absent/etc'), { recursive: true });
  t.strictSame(await host.list('/etc'), [], 'it is looked for again');
});

t.test('a root that is a link is where it leads', async (t) => {
  const folder = t.testdir({
    real: { etc: { plain: 'inside' } },
    root: t.fixture('symlink', 'real'),
  });
  t.equal(await openHost(join(folder, 'root')).readText('/etc/plain'), 'inside');
});

t.test('a root may be written in many ways', async (t) => {
  const folder = t.testdir({
    deep: { real: { etc: { plain: 'inside', up: t.fixture('symlink', '/../../etc/plain') } } },
    'to-deep': t.fixture('symlink', 'deep'),
    etc: { plain: 'outside' },
  });
  const roots = ['deep/real/', 'deep/real//.', 'deep/real/etc/..', 'to-deep/real', 'to-deep/real/'];
  for (const root of roots.map((name) => `${folder}/${name}`)) {
    const host = openHost(root);
    t.equal(await host.readText('/etc/plain'), 'inside', root);
    t.equal(await host.readText('/etc/up'), 'inside', root);
    t.strictSame(await host.list('/'), ['etc'], root);
    t.strictSame(await host.list('/../..'), ['etc'], root);
    t.match(await host.stat('/etc/..'), { kind: 'folder' }, root);
  }
  t.match(await openHost('/proc/self/root').readText('/proc/self/status'), /^Name:/);
});

const mayMount = spawnSync('unshare', ['-m', 'true']).status === 0;
t.test(
  'a link of procfs whose path means another folder here cannot be the root',
  { skip: !mayMount && 'needs a mount namespace of its own' },
  async (t) => {
    const folder = t.testdir({ theirs: { etc: {} }, ours: { etc: { plain: 'ours' } } });
    const script = 'mount --bind theirs ours && cd ours && echo ready && read _';
    const other = spawn('unshare', ['-m', 'sh', '-c', script], { cwd: folder });
    t.teardown(() => other.kill());
    const [first] = await once(other.stdout, 'data');
    t.equal(String(first), 'ready\n');
    t.equal(await refusal(openHost(`/proc/${other.pid}/cwd`).readText('/etc/plain')), 'root');
  },
);

t.test('stat follows links, lstat does not, and neither leaves the root', async (t) => {
  const { host } = node(t);
  t.match(await host.stat('/etc/absolute'), { kind: 'file', size: 6 });
  t.match(await host.lstat('/etc/absolute'), { kind: 'link' });
  t.match(await host.lstat('/linked/file'), { kind: 'file' });
  t.match(await host.stat('/linked'), { kind: 'folder' });
  t.equal(await host.stat('/etc/absolute-out'), undefined);
  t.match(await host.lstat('/etc/absolute-out'), { kind: 'link' });
  t.equal(await host.stat('/etc/dangling'), undefined);
  t.equal(await host.lstat('/etc/absent'), undefined);
  t.match(await host.lstat('/..'), { kind: 'folder' });
  const root = await host.lstat('/');
  t.equal(root?.inode, (await host.stat('/..'))?.inode, 'nothing is above the root');
  t.match(await openHost('/').stat('/dev/null'), { kind: 'other' });
});

t.test('permission bits, owner and time are those of the file', async (t) => {
  const { root, host } = node(t);
  chmodSync(join(root, 'etc/plain'), 0o4640);
  const stat = await host.stat('/etc/plain');
  t.equal(stat?.mode, 0o4640);
  t.equal(stat?.uid, process.getuid?.());
  t.ok(Math.abs((stat?.mtimeMs ?? 0) - Date.now()) < 60_000);
});

t.test('a folder is listed by code unit, hidden names too', async (t) => {
  const { root, host } = node(t);
  for (const name of ['b', 'a', 'Z', 'ä']) writeFileSync(join(root, 'etc/folder', name), '');
  t.strictSame(await host.list('/linked'), ['.hidden', 'Z', 'a', 'b', 'file', 'ä']);
  t.equal(await host.list('/absent'), undefined);
  t.equal(await refusal(host.list('/etc/plain')), 'not-a-folder');
});

t.test('readLink and resolve speak of the node, never of our machine', async (t) => {
  const { root, host } = node(t);
  t.equal(await host.readLink('/etc/absolute-out'), '/secret');
  t.equal(await host.readLink('/etc/plain'), undefined);
  t.equal(await host.readLink('/etc/absent'), undefined);
  t.equal(await host.resolve('/linked/../relative'), '/etc/plain');
  t.equal(await host.resolve('/etc/dangling'), undefined);
  t.equal(await host.resolve('/'), '/');
  symlinkSync('/proc/self/root/etc/passwd', join(root, 'etc/magic'));
  t.equal(await host.readText('/etc/magic'), undefined, 'no link of procfs leads out');
  symlinkSync('/', join(root, 'proc/root'));
  symlinkSync('/proc/root/etc/plain', join(root, 'etc/like-magic'));
  t.equal(await host.readText('/etc/like-magic'), 'inside', '/ is the root of the node');
});

t.test('forty links are followed, forty-one are a loop, as in the kernel', async (t) => {
  const { root, host } = node(t);
  for (let index = 1; index <= 41; index++) {
    symlinkSync(index === 1 ? 'plain' : `link-${index - 1}`, join(root, `etc/link-${index}`));
  }
  t.equal(await host.readText('/etc/link-40'), 'inside');
  t.equal(await refusal(host.readText('/etc/link-41')), 'link-loop');
});

t.test(
  'what may not be read is refused, and is not absent',
  { skip: alwaysPrivileged },
  async (t) => {
    const { root, host } = node(t);
    chmodSync(join(root, 'etc/plain'), 0o000);
    mkdirSync(join(root, 'etc/closed'));
    writeFileSync(join(root, 'etc/closed/file'), '');
    chmodSync(join(root, 'etc/closed'), 0o000);
    try {
      await asNobody(async () => {
        t.equal(await refusal(host.readText('/etc/plain')), 'permission');
        t.equal(await refusal(host.readText('/etc/closed/file')), 'permission');
        t.equal(await refusal(host.lstat('/etc/closed/file')), 'permission');
        t.equal(await refusal(host.list('/etc/closed')), 'permission');
        t.match(await host.stat('/etc/plain'), { kind: 'file' }, 'that it exists can be seen');
        t.equal(await host.readText('/etc/absent'), undefined);
      });
    } finally {
      chmodSync(join(root, 'etc/closed'), 0o700);
    }
  },
);

t.test('an error names the path of the node, not ours', async (t) => {
  const { root, host } = node(t);
  const error = await host.readText('/etc/folder').catch((error: unknown) => error);
  t.ok(error instanceof HostError);
  t.equal(String(error).includes(root), false);
});

t.test('a file in pieces is the file, and refused as a whole one would be', async (t) => {
  const content = Buffer.alloc(600_000, 'abcdefg');
  const root = t.testdir({
    big: content,
    empty: '',
    folder: {},
    link: t.fixture('symlink', '/big'),
  });
  const host = openHost(root);
  const whole = async (path: string): Promise<Buffer> => {
    const pieces: Buffer[] = [];
    for await (const piece of host.readPieces(path)) pieces.push(piece);
    t.ok(pieces.every(({ length }) => length <= 256 * 1024));
    return Buffer.concat(pieces);
  };
  t.ok((await whole('/big')).equals(content));
  t.ok((await whole('/link')).equals(content));
  t.equal((await whole('/empty')).length, 0);
  t.equal(await refusal(whole('/folder')), 'not-a-file');
  t.equal(await refusal(whole('/none')), 'io');
  for await (const piece of host.readPieces('/big')) {
    t.ok(piece.length > 0);
    break;
  }
});

t.test('content that is known is told from what took its place', async (t) => {
  const root = t.testdir({ a: 'one', b: 'two' });
  const host = openHost(root);
  const known = host.identify('/a');
  t.equal(host.identify('/a', known), known, 'what is still there is the same object');
  t.ok(known?.equals(host.identify('/a') ?? known));
  const other = host.identify('/b', known);
  t.not(other, known);
  t.notOk(other !== undefined && known?.equals(other));
  rmSync(join(root, 'a'));
  t.equal(host.identify('/a', known), undefined);
  symlinkSync('/b', join(root, 'a'));
  t.match(host.identify('/a', known), { text: 'link', changedMs: Infinity });
});
