import t from 'tap';
import { ImageReferenceError, parseReference } from '../../../shared/trust/reference.ts';
import { dockerScopes, scopeCandidates } from '../../../shared/trust/scope-candidates.ts';

const id = '0123456789abcdef'.repeat(4);
const digest = `sha256:${id}`;
const ladder = (host: string) => [`${host}/a/b:1`, `${host}/a/b`, `${host}/a`, host];

const cases: readonly (readonly [string, string, readonly string[]])[] = [
  ['docker', 'x.y.io:5000/a/b:1', [...ladder('x.y.io:5000'), '*.y.io', '*.io']],
  ['docker', 'localhost/a', ['localhost/a:latest', 'localhost/a', 'localhost']],
  [
    'docker',
    '10.0.0.1/a',
    ['10.0.0.1/a:latest', '10.0.0.1/a', '10.0.0.1', '*.0.0.1', '*.0.1', '*.1'],
  ],
  ['docker', `q.io/a@${digest}`, [`q.io/a@${digest}`, 'q.io/a', 'q.io', '*.io']],
  ['docker', 'q.io/a@@unknown-digest@@', ['q.io/a', 'q.io', '*.io']],
  ['docker-daemon', 'q.io/a/b:1', [...ladder('q.io'), '*.io']],
  ['docker-daemon', digest, []],
  ['atomic', 'q.io/a/b:1', [...ladder('q.io'), '*.io']],
  ['dir', '/srv/../a//b/', ['/a/b', '/a']],
  ['dir', '/', ['/']],
  ['sif', '/a.sif', ['/a.sif']],
  ['oci', '/a/b:name/x--y:1', ['/a/b', '/a']],
  ['oci', '/a/b:', ['/a/b', '/a']],
  ['oci', '/a/b:@3', ['/a/b', '/a']],
  ['oci-archive', '/a/b.tar', ['/a/b.tar', '/a']],
  ['docker-archive', '/a.tar:busybox:1', []],
  ['docker-archive', '/a.tar:@0', []],
  ['tarball', '/a.tar', []],
  [
    'containers-storage',
    '[overlay@/s+/run:x=y]b:1',
    ['docker.io/library/b:1', 'docker.io/library/b', 'docker.io/library', 'docker.io']
      .map((name) => `[overlay@/s]${name}`)
      .concat('[overlay@/s]', '[/s]'),
  ],
  ['containers-storage', `[vfs@/s]@${id}`, [`[vfs@/s]@${id}`, '[vfs@/s]', '[/s]']],
  [
    'containers-storage',
    `[vfs@/s]q.io/a:1@${digest}@${id}`,
    [`q.io/a:1@${digest}@${id}`, `q.io/a:1@${digest}`, 'q.io/a:1', 'q.io/a', 'q.io']
      .map((name) => `[vfs@/s]${name}`)
      .concat('[vfs@/s]', '[/s]'),
  ],
];
for (const [transport, reference, expected] of cases) {
  t.same(scopeCandidates(transport, reference), expected, `${transport}:${reference}`);
}

const refused: readonly (readonly [string, string, RegExp])[] = [
  ['nope', 'x', /a transport of images/],
  ['docker', '', /found nothing/],
  ['docker', `q.io/a:1@${digest}`, /not both/],
  ['docker', 'q.io/a:1@@unknown-digest@@', /neither tag nor digest/],
  ['docker-daemon', 'q.io/a', /a tag or a digest/],
  ['docker-daemon', 'sha256:abc', /an image id as sha256/],
  ['docker-daemon', `sha512:${id}${id}`, /an image id as sha256/],
  ['docker-daemon', id, /an image id/],
  ['atomic', 'q.io/a/b', /host\/namespace\/stream:tag/],
  ['atomic', 'q.io/a/b/c:1', /host\/namespace\/stream:tag/],
  ['atomic', `q.io/a/b@${digest}`, /host\/namespace\/stream:tag/],
  ['dir', 'srv', /absolute path/],
  ['oci', '/a:b/', /path\[:image\]/],
  ['oci', '/a:@-1', /path\[:image\]/],
  ['docker-archive', '', /path\[:reference\]/],
  ['docker-archive', '/a.tar:', /found nothing/],
  ['docker-archive', `/a.tar:b@${digest}`, /expected a tag/],
  ['containers-storage', 'b:1', /expected a store/],
  ['containers-storage', '[/s]b:1', /expected a store as/],
  ['containers-storage', '[]b', /expected a store as/],
  ['containers-storage', '[overlay@s]b', /expected a store as/],
  ['containers-storage', '[overlay@/s+run]b', /expected a store as/],
  ['containers-storage', '[overlay@/s', /expected "\]"/],
  ['containers-storage', '[overlay@/s]', /a name or an image id/],
  ['containers-storage', '[overlay@/s]b@0123', /a whole image id/],
  ['containers-storage', '[overlay@/s]B', /lower case/],
];
for (const [transport, reference, message] of refused) {
  t.test(`${transport}:${reference} is refused`, async (t) => {
    t.throws(() => scopeCandidates(transport, reference), { code: 'ERR_IMAGE_REFERENCE', message });
  });
}

t.test('links are resolved by the caller', async (t) => {
  const resolvePath = (path: string) => {
    if (path !== 'link') throw new ImageReferenceError('no such path');
    return '/real/b';
  };
  t.same(scopeCandidates('oci', 'link:1', { resolvePath }), ['/real/b', '/real']);
  t.throws(() => scopeCandidates('dir', '/gone', { resolvePath }), ImageReferenceError);
});

t.test('a storage reference without a store means the one it is told', async (t) => {
  const store = { driver: 'overlay', root: '/s' };
  for (const text of ['b:1', '[/s]b:1', '[overlay@+/run]b:1']) {
    t.match(scopeCandidates('containers-storage', text, { store }), [
      '[overlay@/s]docker.io/library/b:1',
    ]);
  }
});

t.test('the scopes of a parsed reference are those of its text', async (t) => {
  t.same(dockerScopes(parseReference('busybox')), scopeCandidates('docker', 'busybox'));
});

t.test('a path that no system could look up has no scopes', async (t) => {
  const longest = `/${'x/'.repeat(2047)}`.slice(0, 4095);
  t.ok(scopeCandidates('dir', longest).length > 2000);
  t.throws(() => scopeCandidates('dir', `${longest}y`), { code: 'ERR_IMAGE_REFERENCE' });
});
