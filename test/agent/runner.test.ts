import t from 'tap';
import type { Check } from '../../agent/check.ts';
import { MAX_STATEMENTS } from '../../agent/result-limit.ts';
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

t.test('a check that does nothing but read is told of it as well', async (t) => {
  const run: Check['run'] = async ({ host }, signal) => {
    for (let reads = 0; reads < 100_000 && !signal.aborted; reads++) {
      await host.lstat('/proc');
    }
    return [pass];
  };
  const { results } = await runCheck(checkOf('x', run), context, { limitMs: 20 });
  t.match(results, [{ reason: 'timeout' }, { reason: 'timeout' }]);
});

t.test('of thousands of statements of a rule the worst are told, the others counted', async (t) => {
  const many = Array.from({ length: 3 * MAX_STATEMENTS }, (_, index) =>
    findingOf('x.a', { subject: `${index}`, result: index % 3 === 0 ? 'fail' : 'pass' }),
  );
  const { result, results } = await runCheck(
    checkOf('x', async () => [
      ...many,
      findingOf('x.a', { subject: 'last', result: 'fail' }),
      fail,
    ]),
    context,
  );
  t.equal(result, 'fail');
  t.equal(results.length, MAX_STATEMENTS + 2);
  t.ok(results.slice(0, MAX_STATEMENTS).every((one) => one.result === 'fail'));
  const summary = results[MAX_STATEMENTS];
  t.match(summary, { ruleId: 'x.a', result: 'fail', reason: 'too-many', observed: { more: 2001 } });
  t.match(summary?.message, /: 2000 pass, 1 fail$/);
  t.notHas(summary, { subject: String });
  t.match(results.at(-1), { ruleId: 'x.b', subject: '/etc/x' });
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
