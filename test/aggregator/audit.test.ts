import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { AuditLog } from '../../aggregator/audit.ts';
import type { AuditItem } from '../../shared/api-admission.ts';
import { keptLog, runAggregator } from '../support/aggregator.ts';

const line = (number: number): AuditItem => ({
  at: new Date(1_800_000_000_000 + number * 1000).toISOString(),
  who: 'alice',
  role: 'admin',
  from: '127.0.0.1',
  what: `GET /v1/nodes/${number}`,
  outcome: 200,
});
const whatIn = (items: readonly AuditItem[]): string[] =>
  items.map(({ what }) => what.split('/').at(-1) ?? '');

t.test('what was asked is kept in order, newest first, over restarts', async (t) => {
  const folder = t.testdir();
  {
    await using log = new AuditLog(folder, keptLog());
    await Promise.all([log.append(line(1)), log.append(line(2)), log.append(line(3))]);
    t.equal(statSync(join(folder, 'audit.jsonl')).mode & 0o777, 0o600);
  }
  appendFileSync(join(folder, 'audit.jsonl'), '{"at":"cut by a cra');
  await using log = new AuditLog(folder, keptLog());
  t.same(whatIn(await log.read(10)), ['3', '2', '1'], 'a line cut by a crash is none');
  await log.append(line(4));
  t.same(whatIn(await log.read(10)), ['4', '3', '2', '1'], 'and spoils no other');
  t.same(whatIn(await log.read(2)), ['4', '3']);
  t.same(whatIn(await log.read(10, Date.parse(line(3).at))), ['4', '3']);
});

t.test('it is rotated by size, and the oldest goes', async (t) => {
  const folder = t.testdir();
  await using log = new AuditLog(folder, keptLog(), 100);
  for (let number = 1; number <= 15; number++) await log.append(line(number));
  t.equal(readdirSync(folder).length, 10);
  t.same(whatIn(await log.read(100)), ['15', '14', '13', '12', '11', '10', '9', '8', '7', '6']);
});

t.test('that it cannot be written is said, and over when it can', async (t) => {
  const folder = t.testdir();
  await using log = new AuditLog(folder, keptLog());
  mkdirSync(join(folder, 'audit.jsonl'));
  const both = await Promise.allSettled([log.append(line(1)), log.append(line(2))]);
  for (const one of both) {
    t.match(one, { status: 'rejected', reason: { code: 'ERR_AUDIT_WRITE' } });
  }
  t.match(log.failure, /EISDIR/);
  rmSync(join(folder, 'audit.jsonl'), { recursive: true });
  await log.append(line(3));
  t.equal(log.failure, undefined);
});

t.test('an aggregator records reads and commands, and does nothing it cannot record', async (t) => {
  const folder = t.testdir();
  await using running = await runAggregator(folder);
  await running.get('/v1/findings?severity=high');
  await running.get('/v1/nodes/nobody');
  await running.get('/v1/nodes', running.agentToken);
  await running.get('/v1/nodes', 'nsu_wrong');
  await running.get('/v1/nodes', null);
  await running.post('/v1/tokens', { kind: 'user', name: 'bob' });
  const { body } = await running.get('/v1/audit');
  t.match((body as { items: AuditItem[] }).items, [
    { who: 'admin', what: 'POST /v1/tokens', detail: { kind: 'user', name: 'bob' }, outcome: 200 },
    { who: 'admin', what: 'POST /v1/tokens', outcome: undefined },
    { who: 'node-1', role: 'node', what: 'GET /v1/nodes', outcome: 403 },
    { who: 'admin', what: 'GET /v1/nodes/nobody', outcome: 404 },
    { who: 'admin', role: 'admin', from: '127.0.0.1', what: 'GET /v1/findings?severity=high' },
  ]);
  t.equal((body as { items: unknown[] }).items.length, 5, 'nobody known is not written');
  const text = readFileSync(join(folder, 'audit.jsonl'), 'utf8');
  t.notOk(text.includes(running.adminToken.split('.')[1] ?? ''), 'no secret is in it');

  const broken = t.testdir({ other: { 'audit.jsonl': {} } });
  await using blind = await runAggregator(join(broken, 'other'));
  t.match(await blind.post('/v1/tokens', { kind: 'user', name: 'eve' }), {
    status: 503,
    body: { code: 'auditUnavailable' },
  });
  t.notMatch((await blind.get('/v1/tokens')).body, { items: [{ name: 'eve' }] });
  t.equal((await blind.get('/v1/nodes')).status, 200, 'reads go on');
  t.match(await blind.get('/readyz?verbose'), {
    status: 503,
    body: {
      checks: [
        { name: 'store', ok: true },
        { name: 'audit', ok: false, required: true, reason: /EISDIR/ },
      ],
    },
  });
});
