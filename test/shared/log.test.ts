import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createLogger } from '../../shared/log.ts';

t.test('a line is one JSON object with level, time and program', async (t) => {
  const file = join(t.testdir({}), 'log');
  const fd = openSync(file, 'w');
  const log = createLogger({ program: 'nodeseal-agent', level: 'info', fd });
  log.debug({}, 'not written');
  log.child({ check: 'fips' }).warn({ err: new TypeError('odd') }, 'check failed');
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  closeSync(fd);
  t.equal(lines.length, 1, 'nothing below the level');
  const line: unknown = JSON.parse(lines[0] ?? '');
  t.match(line, {
    level: 'warn',
    time: /^\d{4}-\d\d-\d\dT[\d:.]+Z$/,
    program: 'nodeseal-agent',
    pid: process.pid,
    check: 'fips',
    msg: 'check failed',
    err: { type: 'TypeError', message: 'odd' },
  });
});
