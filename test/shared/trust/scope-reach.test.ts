import t from 'tap';
import { isReachable } from '../../../shared/trust/scope-reach.ts';

const id = '0123456789abcdef'.repeat(4);

const reachable: readonly (readonly [string, readonly string[]])[] = [
  [
    'docker',
    [
      '',
      'quay.io',
      'localhost',
      'h:5000',
      '*.io',
      'quay.io/ns',
      'quay.io/ns/x:1',
      `q.io/x@sha256:${id}`,
    ],
  ],
  ['docker-daemon', ['docker.io/library/b:1', 'quay.io']],
  ['atomic', ['q.io', 'q.io/n', 'q.io/n/s', 'q.io/n/s:t']],
  ['dir', ['/srv', '/a:b']],
  ['oci', ['/srv/x']],
  [
    'containers-storage',
    ['[overlay@/s]', '[/s]', '[vfs@/s]q.io/x', `[o@/s]@${id}`, `[o@/s]q.io/x:1@${id}`],
  ],
];
const unreachable: readonly (readonly [string, readonly string[]])[] = [
  [
    'docker',
    [
      'busybox',
      'library/busybox',
      'index.docker.io',
      'quay.io/',
      '*.io:5000',
      '*.io/ns',
      '*',
      'a*.io',
      'quay.io/Ns',
      'https://quay.io',
    ],
  ],
  ['oci', ['/srv/x:tag']],
  ['containers-storage', ['[/s]quay.io/x', '[o@/s+/run]', '[o@/s]busybox']],
  ['no-such-transport', ['quay.io']],
];
for (const [transport, scopes] of reachable) {
  for (const scope of scopes)
    t.ok(isReachable(transport, scope), `${transport} "${scope}" can match`);
}
for (const [transport, scopes] of unreachable) {
  for (const scope of scopes)
    t.notOk(isReachable(transport, scope), `${transport} "${scope}" cannot match`);
}
