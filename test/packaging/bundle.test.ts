import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { inThisThread } from '../../agent/images/evaluator.ts';
import { WorkerEvaluator } from '../../agent/images/worker-evaluator.ts';
import { parsePolicy } from '../../shared/trust/policy.ts';
import { PACKAGE_FOLDER } from '../../shared/version.ts';
import { AggregatorProcess } from '../support/processes.ts';
import { KEY, KEY_PATH, manifestOf, POLICY, SIGNER, signed } from '../support/signed-images.ts';

// The agent as it is installed: its launcher and the few files that the build put its modules into.
const dist = join(PACKAGE_FOLDER, 'dist/agent');
const programOf = (name: string): URL => pathToFileURL(join(dist, name));
const skip = !existsSync(join(dist, 'worker.js')) && 'needs npm run build';

t.test('the installed agent connects', { skip }, async (t) => {
  const folder = t.testdir();
  const aggregator = await AggregatorProcess.start(join(folder, 'aggregator'));
  t.teardown(() => aggregator.program.kill('SIGTERM'));
  mkdirSync(join(folder, 'host/etc'), { recursive: true });
  const config = {
    hostRoot: join(folder, 'host'),
    stateDir: join(folder, 'agent'),
    aggregator: {
      url: aggregator.url,
      tokenFile: join(folder, 'aggregator/state/tokens/agents/node-1.token'),
    },
  };
  const file = join(folder, 'agent.yaml');
  writeFileSync(file, JSON.stringify(config)); // JSON is YAML
  const child = spawn(join(PACKAGE_FOLDER, 'bin/nodeseal-agent'), ['--config', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  const said: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    said.push(line);
    if (line.includes('"connected to the aggregator"')) child.kill('SIGTERM');
  }
  t.match(said.join('\n'), '"connected to the aggregator"');
  t.same(await exited, [0, null]);
  t.equal((await child.stderr.toArray()).join(''), '');
});

t.test('the installed agent prints its configuration', { skip }, async (t) => {
  const file = join(t.testdir({ 'agent.yaml': 'profile: stig' }), 'agent.yaml');
  const launcher = join(PACKAGE_FOLDER, 'bin/nodeseal-agent');
  const command = ['config', 'check', '--config', file];
  const { status, stdout, stderr } = spawnSync(launcher, command, { encoding: 'utf8' });
  t.equal(stderr, '');
  t.equal(status, 0);
  t.match(stdout, /^profile: stig$/m);
});

t.test('the thread for signatures of the build judges', { skip }, async (t) => {
  const name = 'registry.example.com/team/app:v1';
  const manifest = manifestOf('app');
  const image = {
    transport: 'docker',
    policyReference: name,
    dockerReference: name,
    manifest,
    signatures: [signed(name, manifest)],
  };
  const keyFiles = new Map([[KEY_PATH, { path: KEY_PATH, bytes: Buffer.from(KEY.pem) }]]);
  const basis = { policy: parsePolicy(JSON.stringify(POLICY)), keyFiles };
  await using evaluator = new WorkerEvaluator({ program: programOf('worker.js') });
  const nowMs = Date.now();
  const answers = await evaluator.evaluate(basis, [image], nowMs);
  t.match(answers, [{ verdict: { allowed: true, signedBy: [SIGNER] } }]);
  t.same(answers, await inThisThread.evaluate(basis, [image], nowMs));
});

t.test('the thread for the hardware of the build answers', { skip }, async (t) => {
  const worker = new Worker(programOf('hardware-worker.js'), { execArgv: [] });
  const [memoryBytes] = await once(worker, 'message');
  t.ok(memoryBytes > 2 ** 20);
  await worker.terminate();
});
