import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { exceptions as judge } from '../../../agent/checks/exceptions.ts';
import { Exceptions } from '../../../agent/exceptions.ts';
import { runChecks } from '../../../agent/runner.ts';
import { systemClock } from '../../../shared/clock.ts';
import type { Finding, RuleResult } from '../../../shared/findings.ts';
import type { Result } from '../../../shared/results.ts';
import { checkOf, contextOf, findingOf } from '../../support/checks.ts';
import { lineOf } from '../../support/host-tree.ts';

const NOW_MS = Date.parse('2026-11-21T12:00:00Z');
const clock = { ...systemClock, nowMs: () => NOW_MS };
const WHO = 'reason: ticket 7, owner: alice';
const UNTIL = '2026-12-31';

/** A check of which `x.a` fails for two files, and one of which `y.a` says `result`. */
function checksSaying(result: Result) {
  const said: readonly Finding[] = [
    findingOf('x.a', { result: 'fail', reason: 'odd', subject: '/etc/a', observed: { mode: 1 } }),
    findingOf('x.a', { result: 'fail', subject: '/usr/b' }),
    findingOf('x.b'),
  ];
  const checks = [
    judge,
    checkOf('x', async () => said),
    checkOf('y', async () => [findingOf('y.a', { result }), findingOf('y.b')]),
  ];
  return checks;
}

async function judged(t: Test, text: string, result: Result = 'fail') {
  const checks = checksSaying(result);
  const file = join(t.testdir({ 'e.yaml': text }), 'e.yaml');
  const exceptions = await Exceptions.open({ file, node: 'worker-3', checks });
  const results = await runChecks(checks, { ...contextOf('/'), clock, exceptions });
  return { file, exceptions, found: results.flatMap((one) => one.results) };
}

function lines(found: readonly RuleResult[], prefix: string): readonly string[] {
  return found.filter(({ ruleId }) => ruleId.startsWith(prefix)).map(lineOf);
}

const file = (...entries: readonly string[]): string =>
  `exceptions:\n${entries.map((entry) => `  - {${entry}, ${WHO}}\n`).join('')}`;

t.test(
  'a failure that somebody vouches for does not count, and says who and until when',
  async (t) => {
    const { found } = await judged(t, file(`rule: x.a, subject: /etc/*, expires: ${UNTIL}`));
    t.strictSame(lines(found, 'x.'), [
      'x.a notapplicable exception @ /etc/a',
      'x.a fail @ /usr/b',
      'x.b pass',
    ]);
    const [excepted] = found.filter(({ subject }) => subject === '/etc/a');
    t.match(excepted, {
      message: 'x.a was looked at',
      observed: { mode: 1 },
      override: {
        oldResult: 'fail',
        authority: 'alice',
        remark: 'ticket 7',
        until: '2026-12-31',
      },
    });
    t.strictSame(lines(found, 'exceptions.'), [
      'exceptions.valid pass',
      'exceptions.expired pass @ x.a of /etc/*',
      'exceptions.unused pass @ x.a of /etc/*',
    ]);
    const [used] = found.filter(({ ruleId }) => ruleId === 'exceptions.unused');
    t.strictSame(used?.observed, { owner: 'alice', until: '2026-12-31', covered: 1 });
  },
);

for (const result of ['pass', 'error', 'unknown', 'notapplicable', 'notchecked'] as const) {
  t.test(`an exception is for failures: ${result} stays ${result}`, async (t) => {
    const { found } = await judged(t, file(`rule: y.a, expires: ${UNTIL}`), result);
    t.strictSame(lines(found, 'y.a'), [`y.a ${result}`]);
    t.strictSame(lines(found, 'exceptions.unused'), [
      'exceptions.unused notapplicable informational @ y.a',
    ]);
  });
}

const entries: readonly (readonly [string, string, readonly string[], readonly string[]])[] = [
  [
    'of a pattern is for every subject',
    `rule: "*", expires: ${UNTIL}`,
    ['x.a notapplicable exception @ /etc/a', 'x.a notapplicable exception @ /usr/b'],
    ['y.a notapplicable exception'],
  ],
  [
    'for a subject is not for the node as a whole',
    `rule: y.a, subject: "*", expires: ${UNTIL}`,
    ['x.a fail odd @ /etc/a', 'x.a fail @ /usr/b'],
    ['y.a fail'],
  ],
  [
    'for this node holds',
    `rule: y, node: worker-*, expires: ${UNTIL}`,
    ['x.a fail odd @ /etc/a', 'x.a fail @ /usr/b'],
    ['y.a notapplicable exception'],
  ],
  [
    'for another node does not',
    `rule: y, node: master-*, expires: ${UNTIL}`,
    ['x.a fail odd @ /etc/a', 'x.a fail @ /usr/b'],
    ['y.a fail'],
  ],
  [
    'holds through the day it ends',
    'rule: y, expires: 2026-11-21',
    ['x.a fail odd @ /etc/a', 'x.a fail @ /usr/b'],
    ['y.a notapplicable exception'],
  ],
  [
    'ends at its moment',
    'rule: y, expires: 2026-11-21T12:00:00Z',
    ['x.a fail odd @ /etc/a', 'x.a fail @ /usr/b'],
    ['y.a fail'],
  ],
];
for (const [name, entry, x, y] of entries) {
  t.test(`an exception ${name}`, async (t) => {
    const { found } = await judged(t, file(entry));
    t.strictSame(lines(found, 'x.a'), x);
    t.strictSame(lines(found, 'y.a'), y);
  });
}

t.test('an exception that has expired covers nothing and is a failure itself', async (t) => {
  const { found } = await judged(t, file('rule: y.a, expires: 2026-11-20'));
  t.strictSame(lines(found, 'y.a'), ['y.a fail']);
  t.strictSame(lines(found, 'exceptions.'), [
    'exceptions.valid pass',
    'exceptions.expired fail expired @ y.a',
    'exceptions.unused notapplicable expired @ y.a',
  ]);
  const [expired] = found.filter(({ result }) => result === 'fail').slice(0, 1);
  t.match(expired, {
    severity: 'medium',
    message: 'the exception of alice for y.a held until 2026-11-20; it was given because: ticket 7',
  });
});

t.test('nobody excepts that an exception has expired', async (t) => {
  const text = file('rule: y.a, expires: 2026-11-20', `rule: "*", expires: ${UNTIL}`);
  const { found } = await judged(t, text);
  t.ok(lines(found, 'exceptions.').includes('exceptions.expired fail expired @ y.a'));
});

t.test('of two exceptions for one failure the first is used', async (t) => {
  const text = file(`rule: y.a, expires: ${UNTIL}`, `rule: y, expires: ${UNTIL}`);
  const { found } = await judged(t, text);
  t.strictSame(lines(found, 'exceptions.unused'), [
    'exceptions.unused pass @ y.a',
    'exceptions.unused notapplicable informational @ y',
  ]);
});

t.test('a file with a mistake holds for nothing, and its place is told', async (t) => {
  const text = file(`rule: y.a, expires: ${UNTIL}`, 'rule: x.a, expires: soon');
  const { found, file: path } = await judged(t, text);
  t.strictSame(lines(found, 'y.a'), ['y.a fail']);
  t.strictSame(lines(found, 'exceptions.'), [
    'exceptions.valid fail invalid',
    'exceptions.expired unknown not-read',
    'exceptions.unused unknown not-read',
  ]);
  t.match(found[0], {
    message: `no exception holds: ${path}:3:26: exceptions[1].expires: expected a date of RFC 3339`,
  });
});

t.test('a file that is not there', async (t) => {
  const checks = checksSaying('fail');
  const path = join(t.testdir({}), 'e.yaml');
  const exceptions = await Exceptions.open({ file: path, node: 'n', checks });
  t.match(exceptions.problem, { reason: 'unreadable', message: `${path}: no such file` });
});

t.test('what changes in the file holds from the next look on', async (t) => {
  const { exceptions, file: path } = await judged(t, file(`rule: y.a, expires: ${UNTIL}`));
  const failing = { ...findingOf('y.a', { result: 'fail' }) } as RuleResult;
  const y = checkOf('y');
  const now = (): string | undefined => exceptions.apply(y, [failing], NOW_MS)[0]?.result;
  t.equal(now(), 'notapplicable');
  writeFileSync(path, 'exceptions: []\n');
  await exceptions.read();
  t.equal(now(), 'fail');
  writeFileSync(path, file(`rule: y.a, expires: ${UNTIL}`));
  await exceptions.read();
  t.equal(now(), 'notapplicable');
  rmSync(path);
  await exceptions.read();
  t.equal(now(), 'fail', 'a file that is gone holds for nothing');
});

t.test('whether an exception is used is known when its rules were asked', async (t) => {
  const checks = checksSaying('fail');
  const path = join(t.testdir({ 'e.yaml': file(`rule: "*", expires: ${UNTIL}`) }), 'e.yaml');
  let told = 0;
  const onUse = (): void => void told++;
  const exceptions = await Exceptions.open({ file: path, node: 'n', checks, onUse });
  const context = { ...contextOf('/'), clock, exceptions };
  const unused = async () => (await judge.run(context, AbortSignal.timeout(1000))).map(lineOf)[2];
  t.equal(await unused(), 'exceptions.unused notapplicable not-asked @ *');
  const passing = { ...findingOf('x.a') } as RuleResult;
  const failing = { ...findingOf('y.a', { result: 'fail' }) } as RuleResult;
  exceptions.apply(checkOf('x'), [passing], NOW_MS);
  t.equal(await unused(), 'exceptions.unused notapplicable not-asked @ *', 'y was not asked yet');
  exceptions.apply(checkOf('y'), [passing], NOW_MS);
  t.equal(await unused(), 'exceptions.unused notapplicable informational @ *');
  told = 0;
  exceptions.apply(checkOf('y'), [failing], NOW_MS);
  t.equal(await unused(), 'exceptions.unused pass @ *');
  t.equal(told, 1, 'told when it changed');
  exceptions.apply(checkOf('y'), [failing], NOW_MS);
  t.equal(told, 1, 'and not when it is the same');
});

t.test('without a file of exceptions nothing is asked of it', async (t) => {
  const found = await judge.run(contextOf('/'), AbortSignal.timeout(1000));
  t.strictSame(
    found.map(lineOf),
    judge.rules.map(({ id }) => `${id} notapplicable no-exceptions`),
  );
});
