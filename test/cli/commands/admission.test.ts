import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { makeKey } from '../../../agent/identity/certificate-request.ts';
import { runTlsAggregator } from '../../support/tls-aggregator.ts';
import { runCli } from '../fake-io.ts';

t.test('an administrator lets nodes in and keeps them out', async (t) => {
  const folder = t.testdir();
  const enrolment = { approval: true, certificateDays: 14 };
  await using fleet = await runTlsAggregator(folder, { enrolment });
  const [caFile, tokenFile] = [join(folder, 'ca.crt'), join(folder, 'cli.token')];
  writeFileSync(caFile, fleet.authority.ca);
  writeFileSync(tokenFile, fleet.running.adminToken);
  const flags = ['--server', fleet.running.url, '--token-file', tokenFile, '--ca-file', caFile];
  const run = (...words: string[]): ReturnType<typeof runCli> => runCli([...words, ...flags]);

  const made = await run('token', 'create', 'join', 'edge', '--uses', '2', '--names', 'edge-*');
  t.match(made, { exit: 0, stdout: /^nsj_[0-9a-f]{16}\.[\w-]{43}@sha256:[0-9a-f]{64}\n$/ });
  const key = makeKey();
  t.match(await fleet.enrol('edge-1', key, made.stdout.trim()), { status: 202 });
  const waiting = await run('node', 'list', '--no-headers');
  t.match(waiting.stdout, /^edge-1 {2}pending {2}default {2}127\.0\.0\.1 {2}[0-9a-f]{64} {2}/);
  t.match(await run('node', 'approve', 'node/edge-1'), { exit: 0, stdout: 'approved edge-1\n' });
  const answer = await fleet.enrol('edge-1', key, made.stdout.trim());
  const as = { key, pem: (answer.body as { certificate: string }).certificate };
  const agent = await fleet.agent({ as });
  await agent.next('welcome');

  const revoked = await run('node', 'revoke', 'edge-1', '-o', 'json');
  t.match(JSON.parse(revoked.stdout), { items: [{ node: 'edge-1', state: 'revoked' }] });
  t.equal(await agent.closed, 4003);
  t.match(JSON.parse((await run('node', 'list', '-o', 'json')).stdout), {
    kind: 'EnrolmentList',
    items: [{ name: 'edge-1', state: 'revoked' }],
  });
  t.match(await run('node', 'revoke', 'edge-1', '--serial', 'no'), { exit: 2 });
  t.match(await run('node', 'retire', 'edge-1'), { exit: 0, stdout: 'retired edge-1\n' });
  t.match(await run('node', 'retire', 'nowhere'), { exit: 5 });
  t.match(await run('node', 'approve', 'nobody'), { exit: 5, stderr: /node "nobody": not known/ });

  const alice = await run('token', 'create', 'user', 'alice', '--role', 'viewer', '-o', 'json');
  const { token } = JSON.parse(alice.stdout);
  t.match(await fleet.get('/v1/nodes', { token }), { status: 200 });
  const listed = await run('token', 'list', '-o', 'csv');
  t.match(listed.stdout, /,user,alice,viewer,/);
  t.match(listed.stdout, /,join,edge,,default,1,edge-\*,/, 'one use is left');
  t.notOk(listed.stdout.includes(token.split('.')[1]), 'a token is shown once');
  t.match(await run('token', 'revoke', 'user/alice', 'join/edge'), {
    exit: 0,
    stdout: /^revoked user\/alice \([0-9a-f]{16}\)\nrevoked join\/edge \([0-9a-f]{16}\)\n$/,
  });
  t.match(await fleet.get('/v1/nodes', { token }), { status: 401 });
  t.match(await run('token', 'revoke', 'user/alice'), { exit: 5, stderr: /no token is/ });
  const wrong: readonly (readonly [readonly string[], number])[] = [
    [['token', 'create', 'root', 'x'], 2],
    [['token', 'create', 'join', 'x', '--uses', '0'], 2],
    [['token', 'create', 'join', 'x', '--ttl', 'ever'], 2],
    [['token', 'create', 'join'], 2],
    [['token', 'create', 'join', 'x', '--names', '../*'], 2],
  ];
  for (const [words, exit] of wrong) t.equal((await run(...words)).exit, exit, words.join(' '));
});
