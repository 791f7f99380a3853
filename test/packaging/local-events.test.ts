import { Readable } from 'node:stream';
import t from 'tap';
import { eventLines } from '../../packaging/local/events.ts';

const event = (receivedAt: string, data: object): string =>
  `${JSON.stringify({
    change: 'set',
    item: { node: 'this-machine', kind: 'finding.changed', class: 'high', receivedAt, data },
  })}\n`;

t.test('npm start tells what came in since it began, a line each, harmless', async (t) => {
  const watch = Readable.from([
    event('2026-11-28T09:59:59.000Z', { ruleId: 'selinux.enforcing', was: 'fail', now: 'pass' }),
    event('2026-11-28T10:00:00.000Z', { ruleId: 'selinux.enforcing', was: 'pass', now: 'fail' }),
    event('2026-11-28T10:00:01.000Z', { ruleId: '\u001b[2J', now: 'fail' }),
  ]);
  const lines = await Array.fromAsync(eventLines(watch, Date.parse('2026-11-28T10:00:00Z')));
  t.same(lines, [
    '10:00:00  high    this-machine  selinux.enforcing: fail, was pass',
    '10:00:01  high    this-machine  \\x1b[2J: fail',
  ]);
});
