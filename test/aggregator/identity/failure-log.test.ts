import t from 'tap';
import { FailureLog } from '../../../aggregator/identity/failure-log.ts';
import type { LogFields } from '../../../shared/log.ts';
import { runAggregator } from '../../support/aggregator.ts';

t.test('each source is told once a minute, and so many in all', async (t) => {
  const clock = { now: 1_800_000_000_000, nowMs: () => clock.now, monotonicMs: () => clock.now };
  const told: LogFields[] = [];
  const log = new FailureLog(clock, { warn: (fields) => void told.push(fields) });
  log.note('10.0.0.1', 'credentialUnknown');
  log.note('10.0.0.1', 'credentialMissing');
  log.note('10.0.0.2', 'revoked');
  t.same(told, [
    { source: '10.0.0.1', reason: 'credentialUnknown' },
    { source: '10.0.0.2', reason: 'revoked' },
  ]);
  for (let source = 0; source < 20_000; source++) log.note(`many-${source}`, 'credentialMissing');
  t.equal(told.length, 100);
  clock.now += 60_000;
  log.note('10.0.0.1', 'credentialUnknown');
  t.same(told.slice(100), [{ source: '10.0.0.1', reason: 'credentialUnknown' }]);
});

t.test('the log has the address of who comes without a token, and no token', async (t) => {
  await using server = await runAggregator(t.testdir());
  const authorization = 'Bearer nsu_0123456789abcdef.guess';
  const { status } = await fetch(`${server.url}/v1/nodes`, { headers: { authorization } });
  t.equal(status, 401);
  const [line = ''] = server.log.lines.filter((one) => one.includes('without a credential'));
  t.match(line, '127.0.0.1');
  t.match(line, 'credentialUnknown');
  t.notMatch(server.log.lines.join('\n'), 'guess');
});
