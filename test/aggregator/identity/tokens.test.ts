import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { FailureLimit } from '../../../aggregator/identity/failures.ts';
import { mayAct } from '../../../aggregator/identity/principal.ts';
import { TokenAuthority } from '../../../aggregator/identity/tokens.ts';
import { keptLog } from '../../support/aggregator.ts';

const clock = { now: 1_800_000_000_000, nowMs: () => clock.now, monotonicMs: () => clock.now };
const read = (path: string): string => readFileSync(path, 'utf8').trim();

t.test(
  'a token is its holder’s, over a restart, and its secret is kept nowhere else',
  async (t) => {
    const dir = t.testdir();
    const log = keptLog();
    const first = await TokenAuthority.open(dir, clock, log);
    const admin = read(await first.ensureUser('admin', 'admin'));
    const agent = read(await first.ensureAgent('node-1', 'worker'));
    t.match(admin, /^nsu_[0-9a-f]{16}\.[A-Za-z0-9_-]{43}$/);
    const again = await TokenAuthority.open(dir, clock, log);
    t.equal(read(await again.ensureUser('admin', 'admin')), admin);
    t.equal(read(await again.ensureAgent('node-1', 'worker')), agent);
    for (const authority of [first, again]) {
      t.same(await authority.authenticate(admin), { kind: 'user', name: 'admin', role: 'admin' });
      t.match(await authority.authenticate(agent), {
        kind: 'agent',
        node: { name: 'node-1', pool: 'worker', uid: /^[0-9a-f-]{36}$/ },
        expiresAtMs: null,
      });
    }
    const secret = admin.split('.')[1] ?? '';
    for (const file of readdirSync(dir, { recursive: true, withFileTypes: true })) {
      const path = join(file.parentPath, file.name);
      t.equal(statSync(path).mode & 0o077, 0, `${file.name} is for its owner only`);
      if (file.name.endsWith('.json')) t.notOk(read(path).includes(secret));
    }
    t.notOk(log.lines.join().includes(secret));
  },
);

t.test('a credential that is not quite one is nobody’s', async (t) => {
  const authority = await TokenAuthority.open(t.testdir(), clock, keptLog());
  const admin = read(await authority.ensureUser('admin', 'admin'));
  const other = read(await authority.ensureAgent('node-1', 'p'));
  const [id = '', secret = ''] = admin.split('.');
  const [otherId = ''] = other.split('.');
  const wrong = [
    '',
    'admin',
    id,
    `${id}.`,
    `${id}.${secret.slice(1)}`,
    `${id}.${secret}x`,
    `${id}.${secret.startsWith('A') ? 'B' : 'A'}${secret.slice(1)}`,
    `${otherId}.${secret}`,
    `nsu_0000000000000000.${secret}`,
    ` ${admin}`,
    `${admin}\n`,
    admin.toUpperCase(),
    '__proto__',
    'x'.repeat(100_000),
  ];
  for (const credential of wrong) {
    t.equal(
      await authority.authenticate(credential),
      undefined,
      JSON.stringify(credential).slice(0, 80),
    );
  }
});

t.test('a token whose record is removed is revoked', async (t) => {
  const dir = t.testdir();
  const authority = await TokenAuthority.open(dir, clock, keptLog());
  const token = read(await authority.ensureAgent('node-1', 'p'));
  const principal = await authority.authenticate(token);
  const id = principal?.kind === 'agent' ? principal.credentialId : '';
  t.equal(authority.isRevoked(id), false);
  const records = join(dir, 'tokens/records');
  for (const file of readdirSync(records)) rmSync(join(records, file));
  await authority.reload();
  t.equal(authority.isRevoked(id), true);
  t.equal(await authority.authenticate(token), undefined);
  t.equal(authority.isRevoked('pod:1'), false, 'credentials of others are theirs to revoke');
});

t.test('a record that cannot be read is refused, said, and does not stop the others', async (t) => {
  const dir = t.testdir();
  const before = await TokenAuthority.open(dir, clock, keptLog());
  const token = read(await before.ensureUser('admin', 'admin'));
  const good = join(dir, 'tokens/records', readdirSync(join(dir, 'tokens/records'))[0] ?? '');
  const record = JSON.parse(read(good)) as object;
  const bad: Readonly<Record<string, string>> = {
    empty: '',
    list: '[]',
    kind: JSON.stringify({ ...record, kind: 'root' }),
    role: JSON.stringify({ ...record, role: 'god' }),
    digest: JSON.stringify({ ...record, sha256: 'abc' }),
    name: JSON.stringify({ ...record, name: '../x' }),
    more: JSON.stringify({ ...record, extra: 1 }),
  };
  for (const [name, text] of Object.entries(bad)) {
    writeFileSync(join(dir, 'tokens/records', `${name}.json`), text);
  }
  const log = keptLog();
  const authority = await TokenAuthority.open(dir, clock, log);
  t.equal(log.lines.length, Object.keys(bad).length);
  for (const name of Object.keys(bad))
    t.ok(log.lines.some((line) => line.includes(`${name}.json`)));
  t.match(await authority.authenticate(token), { kind: 'user' });
});

t.test('a join token', async (t) => {
  const dir = t.testdir({ second: {} });
  const authority = await TokenAuthority.open(dir, clock, keptLog());
  const token = read(await authority.ensureJoin('worker', 2, 60_000));
  t.equal(await authority.authenticate(token), undefined, 'is nobody’s identity');
  const both = await Promise.allSettled([
    authority.enrol(token, 'a'),
    authority.enrol(token, 'a'),
    authority.enrol(token, 'b'),
    authority.enrol(token, 'c'),
  ]);
  t.match(both, [
    { status: 'fulfilled', value: { node: { name: 'a', pool: 'worker' } } },
    { status: 'rejected', reason: { code: 'ERR_TOKEN_EXISTS' } },
    { status: 'fulfilled' },
    { status: 'rejected', reason: { code: 'ERR_TOKEN_USED_UP' } },
  ]);
  const after = await TokenAuthority.open(dir, clock, keptLog());
  await t.rejects(after.enrol(token, 'd'), { code: 'ERR_TOKEN_USED_UP' }, 'stays used up');
  const other = await TokenAuthority.open(join(dir, 'second'), clock, keptLog());
  const expiring = read(await other.ensureJoin('worker', 5, 60_000));
  clock.now += 59_999;
  await other.enrol(expiring, 'a');
  clock.now += 1;
  await t.rejects(other.enrol(expiring, 'b'), { code: 'ERR_TOKEN_EXPIRED' }, 'ends');
});

t.test('a folder that was open to others is closed to them', async (t) => {
  const dir = t.testdir({ tokens: { records: {}, agents: {} } });
  chmodSync(join(dir, 'tokens'), 0o755);
  const authority = await TokenAuthority.open(dir, clock, keptLog());
  await authority.ensureUser('admin', 'admin');
  t.equal(statSync(join(dir, 'tokens')).mode & 0o777, 0o700);
});

t.test('a name that is no file name gets no token', async (t) => {
  const authority = await TokenAuthority.open(t.testdir(), clock, keptLog());
  for (const name of ['', '.', '..', '../x', 'a/b', '-a', 'a b', 'a\0', 'é', 'x'.repeat(254)]) {
    await t.rejects(authority.ensureAgent(name, 'p'), { code: 'ERR_TOKEN_NAME' }, name);
  }
  await t.rejects(authority.ensureUser('join', 'admin'), { code: 'ERR_TOKEN_NAME' });
});

t.test('a role includes those below it', async (t) => {
  t.same(
    (['viewer', 'operator', 'admin'] as const).map((role) =>
      (['viewer', 'operator', 'admin'] as const).map((needed) => mayAct(role, needed)),
    ),
    [
      [true, false, false],
      [true, true, false],
      [true, true, true],
    ],
  );
});

t.test('failures are counted by source and forgotten after a minute', async (t) => {
  const limit = new FailureLimit(clock);
  const fail = (source: string, count: number): (number | undefined)[] =>
    Array.from({ length: count }, () => limit.fail(source));
  t.same(new Set(fail('a', 20)), new Set([undefined]));
  t.same(fail('a', 1), [60]);
  t.same(fail('b', 1), [undefined]);
  clock.now += 59_500;
  t.same(fail('a', 1), [1]);
  clock.now += 500;
  t.same(fail('a', 1), [undefined]);
  for (let source = 0; source < 20_000; source++) limit.fail(`many-${source}`);
  t.same(fail('a', 1), [undefined], 'and many sources do not fill the memory');
});
