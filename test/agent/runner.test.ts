import t from 'tap';
import type { Check } from '../../agent/check.ts';
import { runCheck, runChecks } from '../../agent/runner.ts';
import { checkOf, contextOf, findingOf } from '../support/checks.ts';

const context = contextOf('/');
const pass = findingOf('x.a');
const fail = findingOf('x.b', { result: 'fail', subject: '/etc/x' });

t.test('what a check says is given its rule', async (t) => {
  const result = await runCheck(
    checkOf('x', async () => [pass, fail]),
    context,
  );
  t.match(result, {
    checkId: 'x',
    result: 'fail',
    startedAt: /^\d{4}-.*Z$/,
    results: [
      {
        ruleId: 'x.a',
        checkId: 'x',
        title: 'Title of x.a',
        result: 'pass',
        mappings: [{ id: '1.1' }],
      },
      { ruleId: 'x.b', subject: '/etc/x', result: 'fail', remediation: { kind: 'none' } },
    ],
  });
  t.ok(result.durationMs >= 0);
});

const never: Check['run'] = () => new Promise(() => {});
const cases: readonly (readonly [string, Check['run'], string, string, RegExp])[] = [
  [
    'throws',
    () => Promise.reject(new Error('no such thing')),
    'error',
    'crashed',
    /x failed: no such thing$/,
  ],
  [
    'throws before its first await',
    () => {
      throw new TypeError('odd');
    },
    'error',
    'crashed',
    /x failed: odd$/,
  ],
  ['throws what is no error', () => Promise.reject('word'), 'error', 'crashed', /x failed: word$/],
  [
    'throws a novel',
    () => Promise.reject(new Error('y'.repeat(1e6))),
    'error',
    'crashed',
    /^.{20,600}$/,
  ],
  ['never ends', never, 'error', 'timeout', /longer than 20 ms$/],
  [
    'blames a rule of another check',
    async () => [findingOf('y.a')],
    'error',
    'crashed',
    /y\.a, which is not a rule/,
  ],
  ['says nothing', async () => [], 'notchecked', 'no-statement', /said nothing/],
];

for (const [name, run, result, reason, message] of cases) {
  t.test(`a check that ${name} is ${result} for every rule`, async (t) => {
    const found = await runCheck(checkOf('x', run), context, { limitMs: 20 });
    t.equal(found.result, result);
    t.match(found.results, [
      { ruleId: 'x.a', result, reason, message, severity: 'high' },
      { ruleId: 'x.b', result, reason, message, severity: 'medium' },
    ]);
    t.equal(found.results.length, 2);
  });
}

t.test('a check that obeys its signal is told of the time limit', async (t) => {
  const { promise: told, resolve } = Promise.withResolvers<string>();
  const run: Check['run'] = async (_context, signal) => {
    signal.addEventListener('abort', () => resolve('told'));
    return await never(_context, signal);
  };
  await runCheck(checkOf('x', run), context, { limitMs: 1 });
  t.equal(await told, 'told');
});

t.test('a rule that was not spoken of does not hide those that were', async (t) => {
  const { results } = await runCheck(
    checkOf('x', async () => [fail]),
    context,
  );
  t.match(results, [
    { ruleId: 'x.b', result: 'fail' },
    { ruleId: 'x.a', result: 'notchecked' },
  ]);
});

t.test('checks run beside each other and answer in their order', async (t) => {
  const { promise: secondRan, resolve } = Promise.withResolvers<void>();
  const results = await runChecks(
    [
      checkOf('first', async () => {
        await secondRan;
        return [findingOf('first.a')];
      }),
      checkOf('second', async () => {
        resolve();
        return [findingOf('second.a')];
      }),
      checkOf('third', () => Promise.reject(new Error('x'))),
    ],
    context,
  );
  t.same(
    results.map(({ checkId }) => checkId),
    ['first', 'second', 'third'],
  );
});

t.test('a run that was given up rejects, also before it began', async (t) => {
  const giveUp = new AbortController();
  const running = runCheck(checkOf('x', never), context, { signal: giveUp.signal });
  giveUp.abort(new Error('stopping'));
  await t.rejects(running, { message: 'stopping' });
  await t.rejects(runCheck(checkOf('x'), context, { signal: giveUp.signal }), {
    message: 'stopping',
  });
});

t.test('what a check threw is told with its stack', async (t) => {
  const seen: unknown[] = [];
  const thrown = new Error('x');
  const onCrash = (id: string, error: unknown): void => void seen.push(id, error);
  await runCheck(
    checkOf('x', () => Promise.reject(thrown)),
    context,
    { onCrash },
  );
  t.same(seen, ['x', thrown]);
});
