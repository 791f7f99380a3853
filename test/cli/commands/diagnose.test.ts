import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { AGENT_PARTS, NODE_PARTS, SERVER_PARTS } from '../../../shared/diagnosis.ts';
import { runAgent, WATCHED } from '../../support/agent.ts';
import { runAggregator } from '../../support/aggregator.ts';
import { runCli } from '../fake-io.ts';
import { finding, runFleet } from '../fleet.ts';

/** Secrets as they turn up in reports and logs; no archive may hold the part in the middle. */
const HIDDEN = 'Zz9hiddenZz9';
const SECRETS = [
  `https://user:${HIDDEN}@registry.example.com/v2/`,
  `Authorization: Bearer ${HIDDEN}`,
  `password=${HIDDEN}`,
  `{"auths":{"quay.io":{"auth":"${HIDDEN}"}}}`,
  `-----BEGIN RSA PRIVATE KEY-----\n${HIDDEN}\n-----END RSA PRIVATE KEY-----`,
  `nsa_0123456789abcdef.${HIDDEN}`,
  `sha256~${HIDDEN}aaaaaaaaaa`,
];

/** What an archive holds: the name of a file, and its text. */
function unpacked(t: Test, archive: string): ReadonlyMap<string, string> {
  const list = spawnSync('tar', ['-tzf', archive], { encoding: 'utf8' });
  t.equal(list.status, 0, list.stderr);
  const names = list.stdout.trimEnd().split('\n');
  return new Map(
    names.map((name) => {
      const text = spawnSync('tar', ['-xzOf', archive, name], { encoding: 'utf8' }).stdout;
      t.notMatch(text, HIDDEN, `${name} holds no secret`);
      return [name.replace('nodeseal-diagnosis/', ''), text];
    }),
  );
}

t.test('a diagnosis of a node and its agent', async (t) => {
  const folder = t.testdir({ server: {}, agent: {} });
  await using server = await runAggregator(join(folder, 'server'));
  const link = { url: server.url, token: server.agentToken };
  await using running = await runAgent(join(folder, 'agent'), link);
  const { agent, log } = running;
  running.write(WATCHED, SECRETS.join('\n'));
  await agent.rescan();
  for (const seen of SECRETS) {
    await agent.spool.append({ kind: 'test', class: 'high', data: { secret: HIDDEN, seen } });
  }
  const tokenFile = join(folder, 'admin.token');
  writeFileSync(tokenFile, server.adminToken);
  const flags = ['--server', server.url, '--token-file', tokenFile];
  const output = join(folder, 'node.tar.gz');
  while (agent.spool.state.acknowledged < agent.spool.state.next - 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const answer = await runCli(['diagnose', 'node/node-1', '--output', output, ...flags]);
  t.equal(answer.exit, 0, answer.stderr);
  t.equal(answer.stdout, `${output}\n`);
  t.match(answer.stderr, /^the archive will hold, without secrets:\n {2}version.json /);
  t.equal(statSync(output).mode & 0o777, 0o600);
  const files = unpacked(t, output);
  const names = [...Object.keys(NODE_PARTS), ...Object.keys(AGENT_PARTS)];
  t.same([...files.keys()].sort(), ['diagnosis.json', ...names].sort());
  for (const name of names) t.ok(answer.stderr.includes(name), `${name} was listed`);
  const read = (name: string): unknown => JSON.parse(files.get(name) ?? '');
  t.match(read('node.json'), {
    kind: 'Node',
    findings: [{ ruleId: 'file.a', message: /\[redacted\]/ }],
  });
  t.match(read('agent-config.json'), { hostRoot: join(folder, 'agent/host'), intervalMs: 300_000 });
  t.match(
    read('agent-config.json'),
    { aggregator: { tokenFile: /token$/ } },
    'a path is no secret',
  );
  t.match(read('agent-state.json'), { rootHash: agent.state.rootHash, spool: { lost: 0 } });
  t.match(read('agent-checks.json'), [{ checkId: 'file', statements: 2 }]);
  t.match(files.get('agent-log.json'), log.lines.length > 0 ? 'level' : '');
  t.match(read('diagnosis.json'), { of: 'node/node-1', missing: [] });

  const { body } = await server.get('/v1/audit');
  t.match(body, { items: [{ what: 'GET /v1/nodes/node-1/diagnosis', outcome: 200 }] });
});

t.test('a node whose agent does not answer', async (t) => {
  const folder = t.testdir({ state: {} });
  const findings = SECRETS.map((secret, n) =>
    finding(`a.${n}`, { message: secret, observed: { [secret]: secret, token: secret } }),
  );
  await using fleet = await runFleet(join(folder, 'state'), findings);
  const output = join(folder, 'a.tar.gz');
  const asking = runCli(['diagnose', 'node-1', '--output', output, ...fleet.flags]);
  const { id, verb } = await fleet.agent.next('command');
  t.equal(verb, 'collect');
  fleet.agent.send({ type: 'result', id, part: 1, of: 1, ok: false, error: 'unsupported' });
  const { exit, stderr } = await asking;
  t.equal(exit, 6, 'partial');
  t.match(stderr, /not had: agent-log.json: unsupported\n/);
  t.match(unpacked(t, output).get('diagnosis.json'), '"error": "unsupported"');

  const again = runCli(['diagnose', 'node-1', '--output', `${output}2`, ...fleet.flags]);
  const asked = await fleet.agent.next('command');
  // An agent that is none of ours: secrets, names that lead elsewhere, and no part as it should be.
  const parts = [
    { name: 'agent-log.json', content: { token: HIDDEN, lines: SECRETS } },
    { name: '../../etc/passwd', content: 'x' },
    'rubbish',
  ];
  for (const [at, data] of parts.entries()) {
    fleet.agent.send({ type: 'result', id: asked.id, part: at + 1, of: 3, ok: true, data });
  }
  t.equal((await again).exit, 6);
  const files = unpacked(t, `${output}2`);
  t.same([...files.keys()].sort(), [
    'agent-log.json',
    'diagnosis.json',
    'node.json',
    'version.json',
  ]);
  t.match((await again).stderr, 'not had: agent-state.json: the agent did not send it');

  const none = await runCli(['diagnose', 'nowhere', '--output', `${output}3`, ...fleet.flags]);
  t.equal(none.exit, 5);
  t.notOk(existsSync(`${output}3`));
});

t.test('a diagnosis of the aggregator', async (t) => {
  const folder = t.testdir({ state: {} });
  await using server = await runAggregator(join(folder, 'state'), {
    inventory: [{ name: 'edge-1', pool: 'edge' }],
  });
  for (const secret of SECRETS) await server.get(`/v1/nodes?node=${encodeURIComponent(secret)}`);
  await server.get(`/v1/nodes/x?token=${HIDDEN}`);
  const tokenFile = join(folder, 'admin.token');
  writeFileSync(tokenFile, server.adminToken);
  const flags = ['--server', server.url, '--token-file', tokenFile];
  const { exit, bytes, stdout, stderr } = await runCli(['diagnose', 'server', '-o', '-', ...flags]);
  t.equal(exit, 0, stderr);
  t.equal(stdout, '');
  const archive = join(folder, 'a.tar.gz');
  writeFileSync(archive, bytes ?? '');
  const files = unpacked(t, archive);
  t.same([...files.keys()].sort(), ['diagnosis.json', ...Object.keys(SERVER_PARTS)].sort());
  const read = (name: string): unknown => JSON.parse(files.get(name) ?? '');
  t.match(read('version.json'), { version: '0.1.0', store: { kind: 'sqlite', schema: Number } });
  t.match(read('config.json'), { stateDir: join(folder, 'state'), retention: { events: '90d' } });
  t.match(read('readiness.json'), [{ name: 'store', ok: true }]);
  t.match(read('coverage.json'), { states: { expected: 2 }, coverage: { expected: 2 } });
  t.match(files.get('metrics.txt'), /^# HELP nodeseal_/m);
  t.match(read('audit.json'), [{ who: 'admin', what: /token=\[redacted\]/ }]);
  t.notMatch([...files.values()].join(''), server.adminToken.slice(-20));

  const { body } = await server.post('/v1/tokens', { kind: 'user', name: 'op', role: 'operator' });
  const { token } = body as { token: string };
  t.equal((await server.get('/v1/diagnosis', token)).status, 403, 'for administrators');
  t.equal((await server.get('/v1/nodes/node-1/diagnosis', token)).status, 200);
  const viewer = await server.post('/v1/tokens', { kind: 'user', name: 'v', role: 'viewer' });
  const viewerToken = (viewer.body as { token: string }).token;
  t.equal((await server.get('/v1/nodes/node-1/diagnosis', viewerToken)).status, 403);
});

const usage: readonly (readonly [words: string, exit: number, said: RegExp])[] = [
  ['diagnose', 2, /missing required argument/],
  ['diagnose a b', 2, /too many arguments/],
  ['diagnose a --output', 2, /argument missing/],
  ['diagnose a --outptu x', 2, /did you mean --output/],
  ['diagnose a --server http://127.0.0.1:1 --output x', 4, /nothing listens there/],
];
for (const [words, exit, said] of usage) {
  t.test(`nodeseal ${words}`, async (t) => {
    const answer = await runCli(words.split(' '), { env: { NODESEAL_CONFIG: '/nowhere/c' } });
    t.equal(answer.exit, exit);
    t.match(answer.stderr, said);
    t.notOk(existsSync('x'));
  });
}

t.test('an archive is not written to a terminal', async (t) => {
  const words = ['diagnose', 'server', '--output', '-', '--server', 'http://localhost:1'];
  const { exit, bytes, stderr } = await runCli(words, { isTerminal: true });
  t.equal(exit, 2);
  t.equal(bytes, undefined);
  t.match(stderr, 'an archive is nothing for a terminal');
});

const rubbish: readonly (readonly [name: string, answer: unknown, why: RegExp])[] = [
  ['no object', [], /expected an object/],
  ['another kind', { kind: 'X', of: '', at: '', parts: [] }, /expected a Diagnosis/],
  ['no parts', { kind: 'Diagnosis', of: '', at: '' }, /answer.parts/],
  [
    'a part that leads elsewhere',
    { kind: 'Diagnosis', of: '', at: '', parts: [{ name: '../x.json', content: 1 }] },
    /parts\[0\].name/,
  ],
  ['a part without name', { kind: 'Diagnosis', of: '', at: '', parts: [{}] }, /parts\[0\].name/],
];
t.test('a server that answers rubbish, or a file that is there', async (t) => {
  let answer: unknown;
  const server = createServer((_request, response) => response.end(JSON.stringify(answer)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  // A server that listens on a port has this kind of address.
  const { port } = server.address() as AddressInfo;
  const output = join(t.testdir({ there: 'mine' }), 'there');
  const ask = async () =>
    await runCli(['diagnose', 'a', '-o', output, '--server', `http://127.0.0.1:${port}`]);
  for (const [name, value, why] of rubbish) {
    answer = value;
    const { exit, stderr } = await ask();
    t.equal(exit, 4, name);
    t.match(stderr, why, name);
  }
  answer = { kind: 'Diagnosis', of: 'a', at: '', parts: [] };
  const { exit, stderr } = await ask();
  t.equal(exit, 7);
  t.match(stderr, /why: it is there already/);
  t.equal(readFileSync(output, 'utf8'), 'mine');
});
