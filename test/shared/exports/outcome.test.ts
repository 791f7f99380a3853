import t from 'tap';
import { outcomeOf } from '../../../shared/exports/outcome.ts';
import { absenceStatement, toStatements } from '../../../shared/exports/statement.ts';
import type { RuleResult } from '../../../shared/findings.ts';
import { EVERY_OUTCOME, HOSTILE_NAMES, ruleResult } from '../../support/exports.ts';

const override = { oldResult: 'fail', authority: 'a', remark: 'b', until: '2027-01-01' } as const;
const cases: readonly (readonly [Partial<RuleResult>, string])[] = [
  [{ result: 'pass' }, 'pass'],
  [{ result: 'fail', severity: 'low' }, 'fail'],
  [{ result: 'fail', severity: 'info' }, 'warn'],
  [{ result: 'notapplicable', reason: 'informational' }, 'warn'],
  [{ result: 'notapplicable', reason: 'no-kubelet' }, 'notapplicable'],
  [{ result: 'notapplicable', reason: 'exception', override }, 'excepted'],
  [{ result: 'notchecked', reason: 'not-selected' }, 'notapplicable'],
  [{ result: 'notchecked', reason: 'no-baseline' }, 'unknown'],
  [{ result: 'notchecked' }, 'unknown'],
  [{ result: 'unknown' }, 'unknown'],
  [{ result: 'error' }, 'error'],
];

t.test('a finding has one outcome', async (t) => {
  for (const [change, outcome] of cases) {
    t.equal(outcomeOf(ruleResult('a.b', change)), outcome, JSON.stringify(change));
  }
});

t.test('statements come by rule and subject, whatever order they were reported in', async (t) => {
  const findings = [
    ruleResult('b.x', { subject: 'z' }),
    ruleResult('b.x', { subject: 'a', result: 'fail' }),
    ruleResult('a.x'),
  ];
  const order = (given: readonly RuleResult[]): readonly string[] =>
    toStatements({ name: 'n' }, given).map(({ ruleId, subject = '' }) => `${ruleId} ${subject}`);
  t.strictSame(order(findings), ['a.x ', 'b.x a', 'b.x z']);
  t.strictSame(order(findings.toReversed()), order(findings));
});

t.test('what a stale node passed is not known any more; what it failed still stands', async (t) => {
  const of = (state: 'stale' | 'silent'): readonly string[] =>
    toStatements({ name: 'n', state }, EVERY_OUTCOME).map(({ outcome }) => outcome);
  const [, ...rest] = of('silent');
  t.strictSame(of('stale'), ['unknown', ...rest]);
  t.match(toStatements({ name: 'n', state: 'stale' }, EVERY_OUTCOME)[0], {
    reason: 'stale',
    message: 'no longer known to hold: message of a.pass',
  });
});

t.test('a node that does not report is unknown, with its cause', async (t) => {
  t.match(absenceStatement({ name: 'n' }, 'never seen'), {
    ruleId: 'coverage.reporting',
    outcome: 'unknown',
    message: 'the node does not report: never seen',
  });
});

t.test('no text of a statement is acted upon', async (t) => {
  for (const name of HOSTILE_NAMES) {
    const [one] = toStatements({ name }, [ruleResult(name, { subject: name, message: name })]);
    t.notMatch(JSON.stringify(one), /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f]/);
    t.notMatch(one?.message ?? '', /\p{Cc}|\p{Cs}/u);
  }
});
