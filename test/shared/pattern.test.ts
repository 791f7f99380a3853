import t from 'tap';
import { matches } from '../../shared/pattern.ts';

const patterns: readonly (readonly [string, string, boolean])[] = [
  ['selinux.enforcing', 'selinux.enforcing', true],
  ['selinux.*', 'selinux.enforcing', true],
  ['*.enforcing', 'selinux.enforcing', true],
  ['s*u*g', 'selinux.enforcing', true],
  ['*', 'selinux.enforcing', true],
  ['selinux', 'selinux.enforcing', false],
  ['selinux.*.x', 'selinux.enforcing', false],
  ['aa*aa', 'aaa', false],
  ['', 'x', false],
];
for (const [pattern, text, expected] of patterns) {
  t.equal(matches(pattern, text), expected, `'${pattern}' ${expected ? 'is' : 'is not'} '${text}'`);
}
