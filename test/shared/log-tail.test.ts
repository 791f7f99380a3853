import t from 'tap';
import { systemClock } from '../../shared/clock.ts';
import type { Logger } from '../../shared/log.ts';
import { LogTail } from '../../shared/log-tail.ts';
import { keptLog } from '../support/aggregator.ts';

const clock = { ...systemClock, nowMs: () => Date.parse('2026-11-21T12:00:00Z') };

t.test('the last lines are kept, and all go on to the log', async (t) => {
  const log = keptLog();
  const tail = new LogTail(clock);
  const kept: Logger = tail.of(log);
  kept.debug({}, 'not kept');
  kept.info({ url: 'x', many: { a: [1] }, none: null, undone: undefined }, 'one');
  kept.child({ check: 'fips' }).error({ err: new TypeError('odd') }, 'two');
  t.same(
    log.lines.map((line) => line.split(' ')[0]),
    ['not', 'one', 'two'],
  );
  const time = '2026-11-21T12:00:00.000Z';
  t.same(tail.lines, [
    { time, level: 'info', msg: 'one', url: 'x', many: '{"a":[1]}', none: null, undone: '' },
    { time, level: 'error', msg: 'two', check: 'fips', err: 'odd' },
  ]);
});

t.test('they are bounded in number and length', async (t) => {
  const tail = new LogTail(clock);
  const log = tail.of(keptLog());
  for (let n = 0; n < 300; n++) log.warn({ n, text: 'x'.repeat(9999) }, 'm'.repeat(9999));
  t.equal(tail.lines.length, 200);
  t.match(tail.lines[0], { n: 100, text: /^x{500}$/, msg: /^m{500}$/ });
});
