import t from 'tap';
import {
  combine,
  countResults,
  isAtLeast,
  RESULTS,
  type Result,
  resultWord,
} from '../../shared/results.ts';

const cases: readonly (readonly [string, readonly Result[], Result])[] = [
  ['of none', [], 'notchecked'],
  ['where all pass', ['pass', 'pass'], 'pass'],
  ['where one fails', ['pass', 'error', 'fail', 'unknown'], 'fail'],
  ['where one could not be decided', ['pass', 'error', 'unknown'], 'unknown'],
  ['where one could not be looked at', ['pass', 'error'], 'error'],
  ['where only some apply', ['notapplicable', 'pass'], 'pass'],
];

for (const [name, results, expected] of cases) {
  t.equal(combine(results), expected, `the result ${name} is ${expected}`);
}
t.same(
  countResults(['pass', 'fail', 'pass']),
  { pass: 2, fail: 1, error: 0, unknown: 0, notapplicable: 0, notchecked: 0 },
  'every result is counted, zero included',
);
t.ok(isAtLeast('critical', 'high'), 'critical is at least high');
t.notOk(isAtLeast('medium', 'high'), 'medium is not');
t.same(
  RESULTS.map(resultWord),
  ['pass', 'fail', 'error', 'unknown', 'not applicable', 'not checked'],
  'results are told in words',
);
t.equal(resultWord('informational'), 'informational', 'one of a newer program stays as it is');
t.equal(resultWord('__proto__'), '__proto__');
