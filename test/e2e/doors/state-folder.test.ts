import { execFileSync, spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { runAgent, WATCHED } from '../../support/agent.ts';

/** What somebody may have put in the place of a file that the agent keeps for itself. */
const KINDS: readonly (readonly [name: string, make: (at: string) => void])[] = [
  ['a fifo', (at) => void execFileSync('mkfifo', [at])],
  ['a device', (at) => symlinkSync('/dev/zero', at)],
  ['a folder', (at) => void mkdirSync(at)],
  ['a link to itself', (at) => symlinkSync('last', at)],
  ['JSON 100,000 deep', (at) => writeFileSync(at, '['.repeat(100_000))],
  ['what is no UTF-8', (at) => writeFileSync(at, Buffer.of(0xff, 0xfe, 0))],
  ['another format', (at) => writeFileSync(at, '{"format":2,"sections":{}}')],
  ['names of a prototype', (at) => writeFileSync(at, '{"format":1,"__proto__":[],"files":[[]]}')],
];
const REMEMBERED = ['last-report.json', 'file-meanings.json'];

t.test('an agent whose memory was swapped for something else begins anew', async (t) => {
  const base = t.testdir({});
  for (const [index, [name, make]] of KINDS.entries()) {
    const folder = join(base, String(index));
    const state = join(folder, 'state');
    mkdirSync(state, { recursive: true });
    const outside = join(folder, 'outside');
    writeFileSync(outside, 'of another program\n');
    for (const file of REMEMBERED) {
      make(join(state, file));
      symlinkSync(outside, join(state, `${file}.tmp`));
    }
    const running = await runAgent(folder);
    running.write(WATCHED, 'good');
    await running.agent.rescan();
    await running[Symbol.asyncDispose]();
    t.ok(running.agent.state.section('checks').items.size > 0, `${name}: it looks and reports`);
    t.equal(
      readFileSync(outside, 'utf8'),
      'of another program\n',
      `${name}: links are not written to`,
    );
    if (name === 'a folder') continue;
    const kept = lstatSync(join(state, 'last-report.json'));
    t.ok(kept.isFile(), `${name}: and is remembered again`);
  }
});

t.test('a spool that is none ends the agent with one line that names it', async (t) => {
  const life = '000001-0b8f9a6e-3c52-4f3f-9d7c-5a1c2f0e8d11';
  const folder = t.testdir({ host: {}, state: { spool: { [life]: {} } } });
  const head = join(folder, 'state/spool', life, 'head');
  execFileSync('mkfifo', [head]);
  const config = join(folder, 'agent.yaml');
  writeFileSync(
    config,
    JSON.stringify({ hostRoot: join(folder, 'host'), stateDir: join(folder, 'state') }),
  );
  const main = fileURLToPath(new URL('../../../agent/main.ts', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [main, '--config', config], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  t.equal(status, 8);
  t.equal(stderr, `nodeseal-agent: ${head}: expected a regular file\n`);
});
