import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import t from 'tap';
import { type AggregatorConfig, assertUsable, configSchema } from '../../aggregator/config.ts';
import { databasePlace } from '../../aggregator/store/postgres-url.ts';
import { parseConfig } from '../../shared/config.ts';
import { VERSION } from '../../shared/version.ts';

const parse = (text: string): AggregatorConfig =>
  parseConfig(text, 'aggregator.yaml', configSchema);

t.test('an empty configuration is the defaults', async (t) => {
  t.match(parse(''), {
    listen: { address: '127.0.0.1', port: 8443, allowPlain: false },
    stateDir: '/var/lib/nodeseal/aggregator',
    inventory: [],
    retention: { events: '90d', history: '90d' },
    logLevel: 'info',
    limits: { heartbeatSeconds: 20, silentSeconds: 50, helloSeconds: 5 },
  });
  assertUsable(parse(''));
});

t.test('a configuration that cannot be meant is an error that names the place', async (t) => {
  const cases = [
    ['lisen: {}', /1:8: lisen: unknown key, did you mean "listen"\?/],
    ['listen: {prot: 1}', /listen\.prot: unknown key, did you mean "port"\?/],
    ['listen: {port: 65536}', /listen\.port/],
    ['listen: {port: "8443"}', /listen\.port: expected number, found "8443"/],
    ['tls: {certFile: a}', /tls\.keyFile: missing|tls/],
    ['inventory: [{name: "../x"}]', /inventory\[0\]\.name: expected a node name/],
    ['inventory: {a: b}', /inventory: expected a list/],
    ['retention: {events: 0d}', /retention\.events: expected a duration/],
    ['retention: {events: 90}', /retention\.events/],
    ['retention: {histroy: 90d}', /did you mean "history"/],
    ['databaseUrl: "mysql://h/d"', /databaseUrl: expected postgresql:/],
    ['databaseUrl: "postgresql://u:secret@h/d"', /databaseUrl: expected no password here/],
    ['databaseUrl: "postgresql:///d"', /databaseUrl: expected a host/],
    [
      'databaseUrl: "postgresql://h/d?sslmode=prefer"',
      /sslmode prefer: expected disable or verify/,
    ],
    ['databaseUrl: "postgresql://h/d?options=-c"', /parameter options: unknown/],
    ['databaseUrl: "postgresql://h/d/e"', /one database name/],
    ['databaseUrl: [a]', /databaseUrl: expected/],
    ['logLevel: loud', /logLevel: expected debug or info or warn or error/],
    ['limits: {heartbeatSeconds: -1}', /limits\.heartbeatSeconds/],
    [
      'kubernetes: {audience: a, serviceAccount: agent}',
      /serviceAccount: expected namespace\/name/,
    ],
    ['kubernetes: {audience: a, serviceAccount: a/b, url: "http://x"}', /url: expected https/],
    ['kubernetes: {audience: a, serviceAccount: a/b, keysFile: k}', /keysFile and issuer together/],
    ['socket: run.sock', /socket: expected an absolute path/],
    ['enrolment: {certificateDays: 0}', /enrolment\.certificateDays/],
    ['enrolment: {aproval: true}', /did you mean "approval"/],
    [
      'kubernetes: {audience: a, serviceAccount: a/b, nodes: yes please}',
      /nodes: expected boolean/,
    ],
    ['inventoryFile: [a]', /inventoryFile: expected string/],
    ['alerts: {webhoks: []}', /alerts\.webhoks: unknown key, did you mean "webhooks"\?/],
    ['alerts: {webhooks: [{url: "ftp://x"}]}', /webhooks\[0\]\.url: expected http\(s\):/],
    ['alerts: {webhooks: [{url: "https://"}]}', /webhooks\[0\]\.url/],
    ['alerts: {webhooks: [{}]}', /webhooks\[0\]\.url: missing/],
    ['alerts: {alertmanager: {urls: []}}', /alertmanager\.urls/],
    ['alerts: {severity: terrible}', /alerts\.severity: expected info or low/],
    ['alerts: {labels: {"a-b": c}}', /expected a label name/],
    ['alerts: {holdSeconds: -1}', /alerts\.holdSeconds/],
    ['[]', /expected a mapping/],
  ] as const;
  for (const [text, message] of cases) t.throws(() => parse(text), { message }, text);
});

t.test('plain HTTP is served on loopback only, unless it is asked for', async (t) => {
  const cases = [
    ['127.0.0.1', true],
    ['127.8.8.8', true],
    ['::1', true],
    ['localhost', true],
    ['0.0.0.0', false],
    ['::', false],
    ['10.0.0.1', false],
    ['127.0.0.1.example.com', false],
  ] as const;
  for (const [address, isUsable] of cases) {
    const plain = parse(`listen: {address: "${address}"}`);
    if (isUsable) assertUsable(plain);
    else t.throws(() => assertUsable(plain), { code: 'ERR_CONFIG_VALUE', message: /tls/ }, address);
    assertUsable(parse(`listen: {address: "${address}", allowPlain: true}`));
    assertUsable(parse(`listen: {address: "${address}"}\ntls: {certFile: c, keyFile: k}`));
  }
});

t.test('where a database is, a URL says', async (t) => {
  const cases = [
    ['postgresql://h/d', { host: 'h', port: 5432, database: 'd', user: 'nodeseal', tls: true }],
    ['postgres://u%40x@h:1/', { host: 'h', port: 1, database: 'nodeseal', user: 'u@x', tls: true }],
    ['postgresql://h/d?sslmode=disable', { host: 'h', tls: false }],
    ['postgresql://127.0.0.1/d', { host: '127.0.0.1', tls: false }],
    ['postgresql://[::1]:5433/d', { host: '::1', port: 5433, tls: false }],
    ['postgresql://localhost/d?sslmode=verify-full', { tls: true }],
    [
      'postgresql:///d?host=/run/postgresql',
      { host: '/run/postgresql', database: 'd', tls: false },
    ],
  ] as const;
  for (const [url, place] of cases) {
    t.match(parse(`databaseUrl: "${url}"`), { databaseUrl: url });
    t.match(databasePlace(url), place, url);
  }
});

t.test('files of a database without a database are refused', async (t) => {
  for (const key of ['databasePasswordFile', 'databaseCaFile']) {
    t.throws(() => assertUsable(parse(`${key}: /x`)), { message: /databaseUrl/ }, key);
  }
});

t.test('the program', async (t) => {
  const dir = t.testdir({
    'good.yaml': 'listen: {port: 0}\nbootstrapAgent: me\nstateDir: STATE\n',
    'bad.yaml': 'prot: 1\n',
    'open.yaml': 'listen: {address: 0.0.0.0}\n',
    'notadir.yaml': 'stateDir: /dev/null/x\n',
  });
  const { readFileSync, writeFileSync } = await import('node:fs');
  const good = join(dir, 'good.yaml');
  writeFileSync(good, readFileSync(good, 'utf8').replace('STATE', join(dir, 'state')));
  const cases = [
    [['--version'], 0, `nodeseal-aggregator ${VERSION}\n`, ''],
    [['--help'], 0, /^usage:/, ''],
    [['config', 'check', '--config', good], 0, /bootstrapAgent: me/, ''],
    [['config', 'check', '--config', join(dir, 'bad.yaml')], 7, '', /did you mean|known/],
    [['--config', join(dir, 'open.yaml')], 7, '', /allowPlain/],
    [['--config', join(dir, 'missing.yaml')], 7, '', /no such file/],
    [['--config', join(dir, 'notadir.yaml')], 8, '', /not a directory/i],
    [['--frobnicate'], 2, '', /--frobnicate/],
    [['serve'], 2, '', /unknown command: serve/],
  ] as const;
  await Promise.all(
    cases.map(async ([args, status, stdout, stderr]) => {
      const ended = await run(args);
      const name = args.join(' ').replaceAll(dir, '…');
      t.equal(ended.status, status, `${name}: ${ended.stderr}`);
      t.match(ended.stdout, stdout, name);
      t.match(ended.stderr, stderr, name);
    }),
  );

  await t.test('says when it is ready, where its tokens are, and stops on SIGTERM', async (t) => {
    const child = spawn(process.execPath, [MAIN, '--config', good]);
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
    const line = JSON.parse(chunk.toString()) as { url: string; admin: string; agent: string };
    t.match(line, { msg: 'aggregator is ready', url: /^http:\/\/127\.0\.0\.1:\d+$/ });
    const token = readFileSync(line.admin, 'utf8').trim();
    t.notOk(chunk.toString().includes(token), 'without showing them');
    const headers = { authorization: `Bearer ${token}` };
    const nodes = await fetch(`${line.url}/v1/nodes`, { headers });
    t.match(await nodes.json(), { items: [{ name: 'me', state: 'expected' }] });
    const second = await run(['--config', good]);
    t.match(second, { status: 8, stderr: /another aggregator uses this database/ });
    child.kill('SIGTERM');
    t.same(await once(child, 'exit'), [0, null]);
  });
});

const MAIN = join(import.meta.dirname, '../../aggregator/main.ts');

async function run(
  args: readonly string[],
): Promise<{ readonly status: number; readonly stdout: string; readonly stderr: string }> {
  const child = spawn(process.execPath, [MAIN, ...args]);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  const [status] = (await once(child, 'close')) as [number];
  return { status, stdout, stderr };
}
