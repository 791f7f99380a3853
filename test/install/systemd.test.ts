import { copyFileSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import t, { type Test } from 'tap';
import { testPackages } from '../support/rpm.ts';
import { noSystemdLab, SystemdLab } from '../support/systemd-lab.ts';
import { tlsAuthority } from '../support/tls-authority.ts';

/** The packages on a systemd of RHEL 9's version: installed, enrolled, killed, broken in every way, upgraded, removed. */
t.setTimeout(600_000);

const AGENT = 'nodeseal-agent';
const STATE = '/var/lib/nodeseal/agent';
const HOUR_MS = 3_600_000;
const skip = noSystemdLab;
const lab = skip ? undefined : SystemdLab.boot();
t.teardown(() => lab?.[Symbol.dispose]());
/** Of the server at 127.0.0.1, valid since an hour ago. */
const authority = tlsAuthority('authority', new Date(Date.now() - HOUR_MS));

function theLab(): SystemdLab {
  if (lab === undefined) throw new Error('no lab');
  return lab;
}

/** Installs the packages of a version by rpm of the lab. */
function install(version: string, ...how: readonly string[]): void {
  const files = testPackages(version);
  mkdirSync(join(theLab().root, 'opt/rpm'), { recursive: true });
  for (const file of files) copyFileSync(file, join(theLab().root, 'opt/rpm', basename(file)));
  const names = files.map((file) => `/opt/rpm/${basename(file)}`);
  theLab().run('rpm', '--dbpath', '/var/lib/rpm', '--nodeps', ...how, ...names);
}

const ACCESS = [
  ...['--server', 'https://127.0.0.1:8443', '--ca-file', '/etc/nodeseal/ca.crt'],
  ...['--token-file', '/var/lib/nodeseal/aggregator/tokens/admin.token'],
];

function nodeseal(...words: readonly string[]): string {
  return theLab().run('nodeseal', ...words, ...ACCESS);
}

function items(...words: readonly string[]): readonly Readonly<Record<string, unknown>>[] {
  return JSON.parse(nodeseal('get', ...words, '-o', 'json')).items;
}

function configure(more = ''): void {
  theLab().write(
    'etc/nodeseal/agent.yaml',
    `nodeName: worker-1\naggregator:\n  url: https://127.0.0.1:8443\n${more}`,
  );
}

function joinToken(text: string): void {
  theLab().write('etc/nodeseal/join.token', `${text}\n`, 0o600);
}

/** A drop-in of the agent's unit; an empty one takes it away. */
function dropIn(settings: string): void {
  const path = `etc/systemd/system/${AGENT}.service.d/test.conf`;
  if (settings === '') theLab().remove(path);
  else theLab().write(path, `[Service]\n${settings}\n`);
  theLab().run('systemctl', 'daemon-reload');
}

/** Waits until systemd waits with the restart of a unit. */
function waitsForRestart(unit: string): void {
  theLab().until(`[ "$(systemctl show --value -p SubState ${unit})" = auto-restart ]`);
}

/** Starts the agent anew, whatever comes of it, and waits until `systemctl status` and the journal say so. */
function startsWith(t: Test, what: string, status: RegExp, unit = AGENT): void {
  const since = theLab()
    .run('date', '+%s.%N')
    .replace(/(\.\d{6})\d*$/, '$1');
  theLab().try('systemctl', 'stop', unit);
  theLab().try('systemctl', 'reset-failed', unit);
  theLab().try('systemctl', 'start', unit);
  const words = status.source;
  theLab().until(
    `systemctl show --value -p StatusText ${unit} | tee /dev/stderr | grep -E '${words}'`,
  );
  t.match(theLab().show(unit, 'StatusText'), status, what);
  const [, next] = words.split('next: ');
  if (next !== undefined) {
    const journal = `journalctl -u ${unit} -o cat -p info -S '@${since}'`;
    theLab().until(`${journal} | grep -E 'next"?: ?"?${next}'`);
    t.pass(`${what}: in the journal`);
  }
  t.comment(`${what}: ${theLab().show(unit, 'StatusText')}`);
}

/** Milliseconds between two changes of a unit's state, as `systemctl show` calls their timestamps. */
function elapsedMs(unit: string, from: string, to: string): number {
  const [start, end] = [from, to].map((name) =>
    Number(theLab().show(unit, `${name}TimestampMonotonic`)),
  ) as [number, number];
  return Math.round((end - start) / 1000);
}

function readyMs(unit: string): number {
  return elapsedMs(unit, 'InactiveExit', 'ActiveEnter');
}

t.test('installing starts nothing and leaves it to the presets', { skip }, async (t) => {
  install('0.0.9', '-i');
  for (const unit of [AGENT, 'nodeseal-aggregator']) {
    t.equal(theLab().try('systemctl', 'is-enabled', unit).stdout, 'disabled\n', unit);
    t.equal(theLab().show(unit, 'ActiveState'), 'inactive');
  }
  const names = ['agent', 'aggregator', 'cli', 'common'].map((name) => `nodeseal-${name}`);
  theLab().run('rpm', '--dbpath', '/var/lib/rpm', '-e', ...names);
  theLab().write('etc/systemd/system-preset/10-site.preset', `enable ${AGENT}.service\n`);
  install('0.0.9', '-i');
  const format = '%{NAME}: %{SIZE} bytes installed\\n';
  const sizes = theLab().run('rpm', '--dbpath', '/var/lib/rpm', '-q', '--qf', format, ...names);
  for (const line of sizes.split('\n')) t.comment(line);
  t.equal(theLab().run('systemctl', 'is-enabled', AGENT), 'enabled', 'the site wants it');
  t.equal(theLab().show(AGENT, 'ActiveState'), 'inactive', 'at the next boot');
});

t.test('the aggregator starts', { skip }, async (t) => {
  const { ca, server } = authority;
  theLab().write('etc/nodeseal/ca.crt', ca);
  theLab().write('etc/nodeseal/tls.crt', server.cert + ca);
  theLab().write('etc/nodeseal/tls.key', server.key, 0o600);
  theLab().write(
    'etc/nodeseal/aggregator.yaml',
    'tls: {certFile: /etc/nodeseal/tls.crt, keyFile: /etc/nodeseal/tls.key}\n',
  );
  startsWith(
    t,
    'a key of root alone',
    /tls.key.*permission denied.*next: .*ausearch/,
    'nodeseal-aggregator',
  );
  waitsForRestart('nodeseal-aggregator');
  theLab().run('chown', 'nodeseal-aggregator', '/etc/nodeseal/tls.key');
  startsWith(t, 'with its key', /serves https:/, 'nodeseal-aggregator');
  t.comment(`the aggregator is ready after ${readyMs('nodeseal-aggregator')} ms`);
});

t.test('a node that cannot get in says why, and loses nothing', { skip }, async (t) => {
  const good = nodeseal('token', 'create', 'join', 'worker-1');
  const [secret] = good.split('@');
  configure();
  startsWith(t, 'no join token', /not connected: .*join-token: empty.*next: put what/);
  joinToken(String(secret));
  startsWith(t, 'no CA', /not connected: .*certificate.*next: name the authority/);
  joinToken(`${secret}@sha256:${'0'.repeat(64)}`);
  startsWith(
    t,
    'a wrong pin',
    /not connected: .*none of its certificates has the key.*next: is aggregator.url/,
  );
  const short = nodeseal('token', 'create', 'join', 'short', '--ttl', '1s');
  theLab().until(`[ $(date +%s%N) -gt ${(Date.now() + 1100) * 1_000_000} ]`);
  joinToken(short);
  startsWith(t, 'an expired token', /not connected: .*the join token expired at.*next: put what/);
  const spent = nodeseal('token', 'create', 'join', 'spent');
  theLab().write('root/spend.mjs', SPEND);
  theLab().run('env', 'NODE_EXTRA_CA_CERTS=/etc/nodeseal/ca.crt', 'node', '/root/spend.mjs', spent);
  joinToken(spent);
  startsWith(t, 'a used-up token', /not connected: .*the join token is used up.*next: put what/);
  joinToken(good);
  dropIn(clock('-1d'));
  startsWith(
    t,
    'a clock a day behind',
    /not connected: .*certificate is not yet valid.*next: compare the clocks/,
  );
  t.equal(theLab().show(AGENT, 'NRestarts'), '0', 'it waits, and is not restarted');
  dropIn('');
  startsWith(t, 'the good token', /reports to https:/);
  t.comment(`the agent is ready after ${readyMs(AGENT)} ms`);
  t.match(items('nodes'), [{ name: 'worker-1', state: 'online' }]);
  const started = `nodeseal get events --limit 500 -o jsonl ${ACCESS.join(' ')} | grep -c '"kind":"agent.started"'`;
  theLab().until(`${started} | grep -x 7`);
  t.pass('every start has arrived');
});

/** Enrols another node with the token given. */
const SPEND = `const [token] = process.argv[2].split('@');
const body = JSON.stringify({ token, name: 'other' });
const headers = { 'content-type': 'application/json' };
const answer = await fetch('https://127.0.0.1:8443/v1/enroll', { method: 'POST', headers, body });
if (!answer.ok) throw new Error(await answer.text());
`;

function clock(offset: string): string {
  const library = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';
  return `Environment=LD_PRELOAD=${library} FAKETIME=${offset} FAKETIME_DONT_FAKE_MONOTONIC=1`;
}

t.test('a clock a day ahead is told while it reports', { skip }, async (t) => {
  dropIn(clock('+1d'));
  startsWith(t, 'a clock a day ahead', /clock of this node is .* ahead.*next: set the wrong one/);
  dropIn('');
});

t.test('what is enrolled needs no join token', { skip }, async (t) => {
  theLab().remove('etc/nodeseal/join.token');
  startsWith(t, 'without a token', /reports to https:/);
});

t.test('it is restarted when it is killed, and stops in time', { skip }, async (t) => {
  const [before] = items('nodes', 'worker-1');
  theLab().run('systemctl', 'kill', '-s', 'KILL', AGENT);
  theLab().until(
    `systemctl show --value -p StatusText ${AGENT} | grep 'killed by the signal KILL; next'`,
  );
  theLab().until(
    `[ "$(systemctl show --value -p StatusText ${AGENT})" = "reports to https://127.0.0.1:8443" ]`,
  );
  t.equal(theLab().show(AGENT, 'NRestarts'), '1');
  const [after] = items('nodes', 'worker-1');
  t.match(after, { state: 'online', uid: before?.['uid'] });
  theLab().run('systemctl', 'stop', AGENT);
  t.equal(theLab().show(AGENT, 'TimeoutStopUSec'), '5s', 'what stops slower is killed');
  t.equal(theLab().show(AGENT, 'Result'), 'success', 'and it was not');
  const stopMs = elapsedMs(AGENT, 'ActiveExit', 'InactiveEnter');
  t.comment(`the agent stops in ${stopMs} ms`);
});

t.test('what it is denied ends it with a word', { skip }, async (t) => {
  theLab().run('chown', '-R', 'nobody', `${STATE}/spool`);
  startsWith(t, 'a state folder of another', /EACCES: permission denied.*next: .*SELinux denies/);
  waitsForRestart(AGENT);
  t.equal(theLab().show(AGENT, 'RestartUSec'), '20s');
  theLab().run('chown', '-R', 'root', `${STATE}/spool`);
  dropIn(`ReadOnlyPaths=${STATE}`);
  startsWith(t, 'a state folder that is read-only', /EROFS: read-only.*next: name a folder below/);
  dropIn('Environment=NODE_OPTIONS=--max-old-space-size=8');
  startsWith(t, 'too little memory', /aborted: most often its heap is full.*next: .*MemoryMax/);
  dropIn('');
  theLab().write('etc/nodeseal/agent.yaml', 'agregator: {}\n');
  startsWith(t, 'a misspelt key', /agregator: unknown key, did you mean "aggregator"/);
  configure();
  startsWith(t, 'all put right', /reports to https:/);
});

t.test('an upgrade keeps identity and spool, removal keeps state', { skip }, async (t) => {
  const [before] = items('nodes', 'worker-1');
  const started = theLab().show(AGENT, 'ActiveEnterTimestampMonotonic');
  const marker = theLab().run('sh', '-c', `cat ${STATE}/node.pem | sha256sum`);
  install('0.1.0', '-U');
  theLab().until(`systemctl is-active ${AGENT}`);
  t.not(theLab().show(AGENT, 'ActiveEnterTimestampMonotonic'), started, 'it was restarted');
  theLab().until(`systemctl show --value -p StatusText ${AGENT} | grep 'reports to'`);
  t.equal(theLab().run('sh', '-c', `cat ${STATE}/node.pem | sha256sum`), marker);
  t.match(items('nodes', 'worker-1'), [{ uid: before?.['uid'], state: 'online' }]);
  t.match(theLab().run('cat', '/etc/nodeseal/agent.yaml'), 'worker-1', 'what was configured stays');
  const names = ['agent', 'aggregator', 'cli', 'common'].map((name) => `nodeseal-${name}`);
  theLab().run('rpm', '--dbpath', '/var/lib/rpm', '-e', ...names);
  t.equal(theLab().show(AGENT, 'LoadState'), 'not-found');
  t.equal(theLab().try('pgrep', '-x', 'MainThread').status, 1, 'nothing runs');
  t.equal(
    theLab().run('sh', '-c', `cat ${STATE}/node.pem | sha256sum`),
    marker,
    'the identity stays',
  );
  t.match(theLab().run('ls', `${STATE}/spool`), /^\d{6}-/, 'the spool stays');
  t.equal(
    theLab().try('test', '-e', '/usr/lib/nodeseal').status,
    1,
    'no file of the packages stays',
  );
});
