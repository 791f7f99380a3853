import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { PACKAGE_FOLDER } from '../../shared/version.ts';

/** As the first process of a container, which no signal ends that it does not handle. */
const FIRST = ['--pid', '--fork', '--kill-child'];

const skip =
  spawnSync('unshare', [...FIRST, 'true']).status !== 0
    ? 'needs the right to a PID namespace'
    : !existsSync(join(PACKAGE_FOLDER, 'dist/shared/early-stop.js')) && 'needs npm run build';

/** What a program still loads when the signal comes. */
const LOADING = `data:text/javascript,console.log('loading');setInterval(()=>{},1e6);await(new(Promise)(()=>{}))`;

const cases = ['nodeseal-agent', 'nodeseal-aggregator'].flatMap((name) => [
  { name, signal: 'SIGTERM', status: 143 } as const,
  { name, signal: 'SIGINT', status: 130 } as const,
]);

for (const { name, signal, status } of cases) {
  t.test(`${name} in a container stops on ${signal} while it loads`, { skip }, async (t) => {
    const program = join(PACKAGE_FOLDER, 'bin', name);
    const child = spawn('unshare', [...FIRST, program], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: `--import=${LOADING}` },
    });
    t.teardown(() => child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    await once(child.stdout, 'data');
    const first = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
    process.kill(Number(first), signal);
    t.same(await exited, [status, null]);
  });
}
