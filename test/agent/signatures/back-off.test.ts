import t from 'tap';
import { BackOff } from '../../../agent/signatures/back-off.ts';

function backOffAt(): { readonly clock: { now: number }; readonly backOff: BackOff } {
  const clock = { now: 0 };
  return { clock, backOff: new BackOff({ nowMs: () => 0, monotonicMs: () => clock.now }) };
}

t.test('a server is left alone twice as long with each failure, at most 5 minutes', async (t) => {
  const { clock, backOff } = backOffAt();
  const waits: number[] = [];
  for (let failure = 0; failure < 12; failure++) {
    const from = clock.now;
    backOff.failed('a', 'refused');
    t.equal(backOff.reasonFor('a'), 'refused');
    while (backOff.reasonFor('a') !== undefined) clock.now += 1000;
    waits.push((clock.now - from) / 1000);
  }
  t.same(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
});

t.test('failures of requests that were under way together count once', async (t) => {
  const { clock, backOff } = backOffAt();
  for (let request = 0; request < 6; request++) backOff.failed('a', 'refused');
  clock.now = 1000;
  t.equal(backOff.reasonFor('a'), undefined);
});

t.test('an answer forgets failures, other servers are not concerned', async (t) => {
  const { backOff } = backOffAt();
  backOff.failed('a', 'refused');
  t.equal(backOff.reasonFor('b'), undefined);
  backOff.answered('a');
  t.equal(backOff.reasonFor('a'), undefined);
});
