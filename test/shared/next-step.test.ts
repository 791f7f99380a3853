import t from 'tap';
import { CodedError } from '../../shared/errors.ts';
import { nextStep, withStep } from '../../shared/next-step.ts';

const cases: readonly (readonly [what: string, thrown: unknown, step: RegExp | undefined])[] = [
  ['its own code', new CodedError('EACCES', 'x'), /SELinux denies: ausearch/],
  ['that of a cause', new Error('x', { cause: new CodedError('EROFS', 'y') }), /StateDirectory/],
  [
    'the first that is known',
    new CodedError('ERR_OURS', 'x', { cause: new CodedError('ENOSPC', 'y') }),
    /make room/,
  ],
  ['one that is given beside', new CodedError('ours', 'x'), /^do so$/],
  ['a name of every object', new CodedError('toString', 'x'), undefined],
  ['no code', new Error('x'), undefined],
  ['what is no error', 'EACCES', undefined],
];
for (const [what, thrown, step] of cases) {
  t.test(`by ${what}`, async (t) => {
    const found = nextStep(thrown, { ours: 'do so' });
    if (step === undefined) t.equal(found, undefined);
    else t.match(found, step);
  });
}

t.test('causes that go in a circle end', async (t) => {
  const error = new Error('x');
  error.cause = error;
  t.equal(nextStep(error), undefined);
});

t.test('one sentence', async (t) => {
  t.equal(withStep('it is so', 'do this'), 'it is so; next: do this');
  t.equal(withStep('it is so', undefined), 'it is so');
});
