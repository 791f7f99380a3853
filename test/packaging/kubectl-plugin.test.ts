import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { VERSION } from '../../shared/version.ts';

const ROOT = join(import.meta.dirname, '../..');
const PLUGINS = ['kubectl-nodeseal', 'kubectl_complete-nodeseal'] as const;

/** A folder of the search path with the plugins as shipped, beside a `nodeseal` that runs from source. */
function pluginFolder(t: Test): NodeJS.ProcessEnv {
  const folder = t.testdir({});
  for (const name of PLUGINS) copyFileSync(join(ROOT, 'bin', name), join(folder, name));
  writeFileSync(
    join(folder, 'nodeseal'),
    `#!/bin/sh\nexec ${process.execPath} ${ROOT}/cli/main.ts "$@"\n`,
    { mode: 0o755 },
  );
  return { ...process.env, PATH: `${folder}:${process.env['PATH']}`, HOME: folder };
}

function run(program: string, words: readonly string[], env: NodeJS.ProcessEnv) {
  const { status, stdout, stderr } = spawnSync(program, words, { env, encoding: 'utf8' });
  return { status, stdout, stderr };
}

const skip = spawnSync('kubectl', ['version', '--client']).error && 'needs kubectl';

t.test('kubectl runs the plugin', { skip: skip ?? false }, async (t) => {
  const env = pluginFolder(t);
  const version = run('kubectl', ['nodeseal', 'version', '-o', 'json'], env);
  t.match(JSON.parse(version.stdout), { client: { version: VERSION } });
  t.equal(run('kubectl', ['nodeseal', 'policy', 'validate', '/nowhere'], env).status, 5);
  const listed = run('kubectl', ['plugin', 'list'], env);
  t.match(listed.stdout, '/kubectl-nodeseal');
  t.notMatch(listed.stderr, 'kubectl-nodeseal');
});

// kubectl 1.26 and newer run `kubectl_complete-NAME` with the words behind the name of the plugin.
t.test('kubectl gets words to complete as from a cobra program', async (t) => {
  const env = pluginFolder(t);
  const cases = [
    [['get', 'nod'], /^nodes\n:4\n$/],
    [['version', '--output='], /^table\njson\nyaml\njsonl\n:4\n$/],
    [['policy', 'validate', ''], /^:0\n$/],
  ] as const;
  for (const [words, answer] of cases) {
    const { status, stdout, stderr } = run('kubectl_complete-nodeseal', words, env);
    t.equal(status, 0, stderr);
    t.match(stdout, answer);
  }
});

t.test('the plugins are shipped wherever nodeseal is', async (t) => {
  const manifest = readFileSync(join(ROOT, 'package.json'), 'utf8');
  const container = readFileSync(join(ROOT, 'Containerfile'), 'utf8');
  for (const name of PLUGINS) {
    t.equal(JSON.parse(manifest).bin[name], `bin/${name}`);
    t.ok(container.includes(`bin/${name} `), name);
    t.ok((statSync(join(ROOT, 'bin', name)).mode & 0o111) === 0o111, 'may be run');
  }
  t.match(container, 'COPY packaging/completion /usr/lib/nodeseal/packaging/completion\n');
});
