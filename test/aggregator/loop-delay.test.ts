import t from 'tap';
import { LoopDelay } from '../../aggregator/loop-delay.ts';
import { systemClock } from '../../shared/clock.ts';

t.test('an event loop that was held up says so, and later no longer', async (t) => {
  const delays: number[] = [];
  let told = Promise.withResolvers<void>();
  const clock = systemClock;
  using delay = new LoopDelay(clock, (seconds) => {
    delays.push(seconds);
    told.resolve();
    told = Promise.withResolvers();
  });
  t.equal(delay.meanMs, 0, 'nothing yet');
  const freeMs = clock.monotonicMs() + 300;
  while (clock.monotonicMs() < freeMs);
  await told.promise;
  const [first = 0] = delays;
  t.ok(first >= 0.25 && first < 30, `${first} s`);
  t.ok(delay.meanMs >= 250, `mean ${delay.meanMs} ms`);
  while (delays.length < 101) await told.promise;
  t.ok(delay.meanMs < 250, `mean ${delay.meanMs} ms of the last second alone`);
});
