import t from 'tap';
import { matches, selectRules } from '../../cli/rules.ts';
import { checkOf } from '../support/checks.ts';

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

const checks = [checkOf('selinux'), checkOf('fips')];
const choices: readonly (readonly [readonly string[], readonly string[], readonly string[]])[] = [
  [[], [], ['selinux.a', 'selinux.b', 'fips.a', 'fips.b']],
  [['fips'], [], ['fips.a', 'fips.b']],
  [['selinux'], ['selinux.b'], ['selinux.a']],
  [['*.a'], [], ['selinux.a', 'fips.a']],
  [[], ['selinux', 'fips'], []],
];
for (const [only, skip, expected] of choices) {
  t.same(
    [...selectRules(checks, only, skip)],
    expected,
    `--only ${only.join() || '-'} --skip ${skip.join() || '-'} leaves ${expected.join() || 'none'}`,
  );
}
t.throws(() => selectRules(checks, ['selinus'], []), { code: 'ERR_CLI_USAGE' });
