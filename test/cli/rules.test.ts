import t from 'tap';
import { selectRules } from '../../cli/rules.ts';
import { checkOf } from '../support/checks.ts';

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
