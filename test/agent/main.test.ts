import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { VERSION } from '../../shared/version.ts';
import { Program } from '../support/processes.ts';

const main = join(import.meta.dirname, '../../agent/main.ts');

function run(...args: readonly string[]): {
  status: number | null;
  stdout: string;
  stderr: string;
} {
  return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
}

interface Case {
  readonly name: string;
  readonly args: readonly string[];
  readonly config?: string;
  readonly status: number;
  readonly stdout?: RegExp;
  readonly stderr?: RegExp;
}

const cases: readonly Case[] = [
  {
    name: 'its version',
    args: ['--version'],
    status: 0,
    stdout: new RegExp(`^nodeseal-agent ${VERSION}\n$`),
  },
  { name: 'its usage', args: ['--help'], status: 0, stdout: /^usage: nodeseal-agent/ },
  { name: 'an unknown flag', args: ['--verbose'], status: 2, stderr: /--verbose.*\nusage/s },
  { name: 'a flag without its value', args: ['--config'], status: 2, stderr: /--config/ },
  { name: 'an unknown command', args: ['stop'], status: 2, stderr: /unknown command: stop/ },
  {
    name: 'a file that is not there',
    args: ['--config', '/nonexistent/agent.yaml'],
    status: 7,
    stderr: /^nodeseal-agent: \/nonexistent\/agent\.yaml: no such file\n$/,
  },
  {
    name: 'an unknown key',
    args: [],
    config: 'hostroot: /\n',
    status: 7,
    stderr: /agent\.yaml:1:11: hostroot: unknown key, did you mean "hostRoot"/,
  },
  {
    name: 'plain HTTP to elsewhere',
    args: [],
    config: 'aggregator: {url: "http://a.example", tokenFile: /t}\n',
    status: 7,
    stderr: /without TLS only loopback/,
  },
  {
    name: 'a host root that is no path',
    args: ['--host-root', 'host'],
    config: '',
    status: 7,
    stderr: /--host-root host: expected an absolute path/,
  },
  {
    name: 'an unknown check',
    args: ['config', 'check'],
    config: 'checks: {include: [selinx]}\n',
    status: 7,
    stderr: /checks\.include: unknown check "selinx", did you mean "selinux"/,
  },
  {
    name: 'an unknown check, run',
    args: [],
    config: 'stateDir: /nonexistent/x\nchecks: {exclude: [x]}\n',
    status: 7,
    stderr: /checks\.exclude: unknown check "x", known: /,
  },
  {
    name: 'a state folder that cannot be made',
    args: [],
    config: 'stateDir: /proc/nodeseal\n',
    status: 8,
    stderr: /^nodeseal-agent: [^\n]*\/proc\/nodeseal[^\n]*\n$/,
  },
  {
    name: 'the effective configuration',
    args: ['config', 'check', '--host-root', '/host'],
    config: 'interval: 1h\nchecks: {exclude: [images]}\n',
    status: 0,
    stdout: /^hostRoot: \/host\n.*interval: 3600s\n.*- selinux\n(?!.*- images)/s,
  },
];

for (const { name, args, config, status, stdout = /^$/, stderr = /^$/ } of cases) {
  t.test(`nodeseal-agent with ${name} ends with ${status}`, async (t) => {
    const folder = t.testdir({ 'agent.yaml': config ?? '' });
    const file = config === undefined ? [] : ['--config', join(folder, 'agent.yaml')];
    const result = run(...args, ...file);
    t.equal(result.status, status, result.stderr);
    t.match(result.stdout, stdout);
    t.match(result.stderr, stderr);
  });
}

t.test('an agent alone looks, keeps what it saw and stops when asked', async (t) => {
  const folder = t.testdir({ host: { etc: {} } });
  const stateDir = join(folder, 'state');
  await using agent = new Program('agent', { hostRoot: join(folder, 'host'), stateDir }, folder);
  await agent.says('agent is ready');
  await agent.kill('SIGTERM');
  t.equal(agent.child.exitCode, 0);
  t.ok(existsSync(join(stateDir, 'spool')), 'its state is where it was told');
  t.same(
    spawnSync('find', [join(folder, 'host'), '-type', 'f'], { encoding: 'utf8' }).stdout,
    '',
    'the node is untouched',
  );
});
