import t from 'tap';
import { applyProfile, isAsked, type Tailoring, tailoringOf } from '../../agent/profile.ts';
import { runCheck } from '../../agent/runner.ts';
import type { RuleResult } from '../../shared/findings.ts';
import { RESULTS, type Result } from '../../shared/results.ts';
import { checkOf, contextOf, findingOf, ruleOf } from '../support/checks.ts';

function profileOf(...lines: readonly (readonly [string, Partial<Tailoring>])[]) {
  const rules = new Map(
    lines.map(([id, said]): [string, Tailoring] => [id, { selected: true, role: 'full', ...said }]),
  );
  return { name: 'test', rules };
}

function resultOf(ruleId: string, result: Result, subject?: string): RuleResult {
  const { title, remediation, mappings } = ruleOf(ruleId);
  const about = subject === undefined ? {} : { subject };
  const said = findingOf(ruleId, { result, reason: 'why', observed: { seen: 1 }, ...about });
  return { ...said, checkId: 'x', title, remediation, mappings };
}

t.test('a profile that says nothing of a rule changes nothing', async (t) => {
  const results = [resultOf('x.a', 'fail', '/etc/a'), resultOf('x.a', 'pass', '/etc/b')];
  t.strictSame(applyProfile([{ id: 'x.a' }], results, profileOf()), results);
  t.strictSame(tailoringOf(profileOf(), 'x.a'), { selected: true, role: 'full' });
});

for (const result of RESULTS) {
  const expected =
    result === 'fail'
      ? { result: 'notapplicable', reason: 'informational' }
      : { result, reason: 'why' };
  t.test(`unscored: ${result} becomes ${expected.result}, what was seen stays`, async (t) => {
    const before = resultOf('x.a', result, '/etc/a');
    const [after] = applyProfile(
      [{ id: 'x.a' }],
      [before],
      profileOf(['x.a', { role: 'unscored' }]),
    );
    t.strictSame(after, { ...before, ...expected });
  });
}

const leftOut: readonly (readonly [string, Partial<Tailoring>])[] = [
  ['selected: false', { selected: false }],
  ['role: unchecked', { role: 'unchecked' }],
  ['both', { selected: false, role: 'unchecked' }],
  ['selected: false and role: unscored', { selected: false, role: 'unscored' }],
];
for (const [name, said] of leftOut) {
  t.test(`${name}: the rule is listed once, as not checked`, async (t) => {
    const profile = profileOf(['x.a', { ...said, severity: 'low' }]);
    t.notOk(isAsked(tailoringOf(profile, 'x.a')));
    const results = [resultOf('x.a', 'fail', '/etc/a'), resultOf('x.a', 'pass', '/etc/b')];
    t.match(applyProfile([{ id: 'x.a' }], results, profile), [
      {
        ruleId: 'x.a',
        result: 'notchecked',
        reason: 'not-selected',
        severity: 'low',
        message: 'the profile test does not ask this rule',
        observed: {},
        subject: undefined,
      },
    ]);
    t.equal(applyProfile([{ id: 'x.a' }], results, profile).length, 1);
  });
}

t.test('a severity of the profile is that of every result of the rule', async (t) => {
  const results = [resultOf('x.a', 'fail'), { ...resultOf('x.a', 'pass', 's'), severity: 'high' }];
  const profile = profileOf(['x.a', { severity: 'critical' }]);
  t.strictSame(
    applyProfile([{ id: 'x.a' }], results as RuleResult[], profile).map(({ severity }) => severity),
    ['critical', 'critical'],
  );
});

t.test('the runner weighs by the profile, and does not look at what nobody asks', async (t) => {
  let looks = 0;
  const check = checkOf('x', async () => {
    looks++;
    return [findingOf('x.a', { result: 'fail' }), findingOf('x.b', { result: 'fail' })];
  });
  const run = async (...lines: readonly (readonly [string, Partial<Tailoring>])[]) => {
    const profile = { ...profileOf(...lines), title: '', description: '' };
    const context = contextOf('/');
    const result = await runCheck(check, {
      ...context,
      profile: { ...profile, values: context.values },
    });
    return [result.result, ...result.results.map(({ result, reason }) => `${result} ${reason}`)];
  };
  t.strictSame(await run(['x.a', { role: 'unscored' }]), [
    'fail',
    'notapplicable informational',
    'fail undefined',
  ]);
  t.equal(looks, 1);
  t.strictSame(await run(['x.a', { selected: false }], ['x.b', { role: 'unchecked' }]), [
    'notchecked',
    'notchecked not-selected',
    'notchecked not-selected',
  ]);
  t.equal(looks, 1, 'the check was not run');
});
