import t from 'tap';
import { parseDigest } from '../../../shared/trust/digest.ts';

const hex = '0123456789abcdef'.repeat(8);
for (const [algorithm, length] of [
  ['sha256', 64],
  ['sha384', 96],
  ['sha512', 128],
] as const) {
  t.same(parseDigest(`${algorithm}:${hex.slice(0, length)}`), {
    algorithm,
    hex: hex.slice(0, length),
  });
  t.equal(parseDigest(`${algorithm}:${hex.slice(0, length - 1)}`), undefined, 'one digit short');
  t.equal(parseDigest(`${algorithm}:${hex.slice(0, length)}0`), undefined, 'one digit too many');
}
for (const text of [
  '',
  ':',
  'sha256:',
  hex.slice(0, 64),
  `sha256:${hex.slice(0, 64).toUpperCase()}`,
  `SHA256:${hex.slice(0, 64)}`,
  `sha256-${hex.slice(0, 64)}`,
  ` sha256:${hex.slice(0, 64)}`,
  `sha256:${hex.slice(0, 64)}\n`,
  'sha256:../../etc/passwd',
  `md5:${hex.slice(0, 32)}`,
  `sha1:${hex.slice(0, 40)}`,
  `__proto__:${hex.slice(0, 64)}`,
]) {
  t.equal(parseDigest(text), undefined, `${JSON.stringify(text)} is no digest`);
}
