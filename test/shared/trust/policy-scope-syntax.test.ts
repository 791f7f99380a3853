import t from 'tap';
import {
  cleanPath,
  isKnownTransport,
  refuseScope,
} from '../../../shared/trust/policy-scope-syntax.ts';

const id = '0123456789abcdef'.repeat(4);
const digest = `sha256:${id}`;

const accepted: Readonly<Record<string, readonly string[]>> = {
  docker: ['*.example.com:5000', 'NOT a name', digest],
  'docker-daemon': ['docker.io/library/b:1', 'sha256:abc'],
  atomic: ['h', 'h:1', 'h:1/n', 'h/n/s', 'h/n/s:t', '*.h', '::'],
  dir: ['/a', '/a/b', '/a:b', '/...'],
  oci: ['/a', '/a:tag'],
  'containers-storage': [
    '[overlay@/s]',
    '[/s]',
    '[/s]UPPER case',
    `[o@/s]@${id}`,
    `[o@/s]n@${digest}`,
    `[o@/s]n@${digest}@${id}`,
  ],
  ostree: ['anything'],
  'no-such-transport': ['//', ' '],
};
const refused: Readonly<Record<string, readonly string[]>> = {
  'docker-daemon': [digest, `sha512:${id}${id}`],
  atomic: ['h/n/s/x', 'h/n:t', 'h/n/s:t:u', 'h/n/s:t/x'],
  dir: ['a', '/', '/a/', '/a//b', '/a/.', '/a/../b', '//a'],
  oci: ['a', '/', '/a/'],
  'oci-archive': ['/a/..'],
  sif: ['/a//b'],
  'docker-archive': ['/a', 'x'],
  tarball: ['/a'],
  'containers-storage': [
    'n',
    '[',
    ']',
    '[]',
    '[@/s]',
    '[o@]',
    '[o@s]',
    '[s]',
    '[o@/s',
    `[o@/s]n@x`,
    `[o@/s]n@${id}@${digest}`,
    `[o@/s]n@${digest}@${id}@${id}`,
  ],
};
for (const [transport, scopes] of Object.entries(accepted)) {
  for (const scope of ['', ...scopes]) {
    t.equal(refuseScope(transport, scope), undefined, `${transport} takes the scope "${scope}"`);
  }
}
for (const [transport, scopes] of Object.entries(refused)) {
  t.equal(refuseScope(transport, ''), undefined, `${transport} has a scope of its own`);
  for (const scope of scopes) {
    t.match(
      refuseScope(transport, scope),
      /^expected /,
      `${transport} refuses the scope "${scope}"`,
    );
  }
}

t.ok(isKnownTransport('containers-storage'));
t.notOk(isKnownTransport('Docker'));
for (const [path, clean] of [
  ['', '.'],
  ['/', '/'],
  ['//', '/'],
  ['/a/', '/a'],
  ['/../a', '/a'],
  ['a/..', '.'],
] as const) {
  t.equal(cleanPath(path), clean, `"${path}" is "${clean}", as filepath.Clean has it`);
}
