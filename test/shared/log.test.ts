import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
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

t.test('a line for the journal begins with its priority', async (t) => {
  const file = join(t.testdir({}), 'log');
  const fd = openSync(file, 'w');
  const { dev, ino } = fstatSync(fd);
  const log = createLogger({ program: 'x', level: 'debug', fd }, `${dev}:${ino}`);
  for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level]({}, level);
  createLogger({ program: 'x', level: 'info', fd }, `${dev}:${ino + 1}`).info(
    {},
    'not the journal',
  );
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  closeSync(fd);
  t.same(
    lines.map((line) => line.slice(0, 4)),
    ['<7>{', '<6>{', '<4>{', '<3>{', '{"le'],
  );
  t.match(JSON.parse(lines[2]?.slice(3) ?? ''), { level: 'warn', msg: 'warn' });
});
