import t from 'tap';
import { csvRow } from '../../../shared/csv.ts';
import { csv } from '../../../shared/exports/csv.ts';
import { exported, exportSource, FLEET, HOSTILE_FLEET } from '../../support/exports.ts';

t.test('a row a statement, after one for the coverage', async (t) => {
  const text = await exported(csv, exportSource(FLEET));
  t.equal(
    text,
    `record,at,node,pool,state,lastSeen,ruleId,subject,outcome,severity,reason,message,exceptionBy,exceptionUntil,exceptionReason
coverage,2026-11-21T12:00:00.000Z,,,,,,,unknown,,,1 of 3 nodes reporting,,,
finding,2026-11-21T11:58:00.000Z,node-1,worker,online,2026-11-21T12:00:00.000Z,a.pass,/etc/selinux/config,pass,high,,message of a.pass,,,
finding,2026-11-21T11:58:00.000Z,node-1,worker,online,2026-11-21T12:00:00.000Z,b.fail,,fail,critical,permissive,message of b.fail,,,
finding,2026-11-21T11:58:00.000Z,node-1,worker,online,2026-11-21T12:00:00.000Z,c.warn,,warn,info,,message of c.warn,,,
finding,2026-11-21T11:58:00.000Z,node-1,worker,online,2026-11-21T12:00:00.000Z,d.unknown,,unknown,high,not-visible,message of d.unknown,,,
finding,2026-11-21T11:58:00.000Z,node-1,worker,online,2026-11-21T12:00:00.000Z,e.error,,error,high,permission,message of e.error,,,
finding,2026-11-21T11:58:00.000Z,node-1,worker,online,2026-11-21T12:00:00.000Z,f.notapplicable,,notapplicable,high,no-kubelet,message of f.notapplicable,,,
finding,2026-11-21T11:58:00.000Z,node-1,worker,online,2026-11-21T12:00:00.000Z,g.excepted,,excepted,high,exception,message of g.excepted,alice,2027-03-31,change 4711
finding,,node-2,worker,expected,,coverage.reporting,,unknown,high,not-reporting,the node does not report: never seen,,,
finding,2026-11-21T11:58:00.000Z,node-3,worker,stale,2026-11-21T12:00:00.000Z,coverage.reporting,,unknown,high,not-reporting,the node does not report: stale since yesterday,,,
finding,2026-11-21T11:58:00.000Z,node-3,worker,stale,2026-11-21T12:00:00.000Z,a.pass,,unknown,high,stale,no longer known to hold: message of a.pass,,,
`,
  );
});

t.test('a cell that a spreadsheet would run begins with an apostrophe', async (t) => {
  const cases = [
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@sum', "'@sum"],
    ['\t=1', "'\\x09=1"],
    ['\r=1', "'\\x0d=1"],
    ['＝1', "'＝1"],
    ['a=1', 'a=1'],
    ['say "a", b', '"say ""a"", b"'],
    ['a\nb', 'a\\x0ab'],
    [-1, '-1'],
    [null, ''],
    [undefined, ''],
    [true, 'true'],
  ] as const;
  for (const [value, cell] of cases) t.equal(csvRow([value, 'x']), `${cell},x\n`);
});

t.test('hostile names stay in their cells', async (t) => {
  const lines = (await exported(csv, exportSource(HOSTILE_FLEET))).trimEnd().split('\n');
  t.equal(lines.length, 2 + 3 * HOSTILE_FLEET.length, 'no line more than there are statements');
  for (const line of lines) t.notMatch(line, /(^|,)"?[=+@\t\r-]/, line.slice(0, 80));
});
