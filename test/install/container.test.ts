import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { ImageLab, whyNoImage } from '../support/image-lab.ts';

const skip = process.env['CI_INSTALL'] === '1' ? whyNoImage() : 'run by npm run test:install';
t.setTimeout(900_000);

const IMAGE = 'localhost/nodeseal:install';
const lab = skip === false ? new ImageLab(join(tmpdir(), 'nodeseal-images')) : undefined;
const repository = join(import.meta.dirname, '../..');
const json = (path: string): ReturnType<typeof JSON.parse> =>
  JSON.parse(readFileSync(join(repository, path), 'utf8'));

async function podman(...args: readonly string[]): Promise<string> {
  if (lab === undefined) throw new Error('no laboratory');
  return await lab.run('podman', ...args);
}

/** Runs a program of the image as the manifests do: no root file system to write to, no capability, no network. */
async function inImage(...words: readonly string[]): Promise<string> {
  const confined = ['--read-only', '--cap-drop=ALL', '--security-opt=no-new-privileges'];
  return await podman('run', '--rm', '--net=none', ...confined, IMAGE, ...words);
}

t.test('the image is built from the repository alone', { skip }, async (t) => {
  const out = await mkdtemp(join(tmpdir(), 'nodeseal-sbom-'));
  t.teardown(async () => await rm(out, { recursive: true }));
  await lab?.build('-t', IMAGE);
  await lab?.build('--target', 'sbom', '--output', `type=local,dest=${out}`);

  await t.test('the same sources give the same image, bit for bit', async (t) => {
    const again = `${IMAGE}-again`;
    await lab?.build('--no-cache', '-t', again);
    t.teardown(async () => await podman('rmi', again));
    const ids = await Promise.all(
      [IMAGE, again].map(async (name) => await podman('image', 'inspect', '-f', '{{.Id}}', name)),
    );
    t.match(ids[0], /^[0-9a-f]{64}$/);
    t.equal(ids[0], ids[1], 'built anew, from npm ci on');
  });
  const [{ Config, Size }] = JSON.parse(await podman('image', 'inspect', IMAGE));
  const [base] = JSON.parse(await podman('image', 'inspect', 'localhost/ubi9-nodejs-stand-in:1'));
  t.comment(
    `${Math.round((Size - base.Size) / 1e6)} MB on a base of ${Math.round(base.Size / 1e6)} MB`,
  );
  const { version, license } = json('package.json');
  t.equal(Config.User, '65532', 'a number: a cluster can see that it is not root');
  t.match(Config.Labels, {
    'org.opencontainers.image.title': 'nodeseal',
    'org.opencontainers.image.version': version,
    'org.opencontainers.image.licenses': license,
  });

  await t.test('it holds what runs, and no more', async (t) => {
    const { packages } = json('package-lock.json') as {
      packages: Record<
        string,
        { version: string; dev?: true; optional?: true; devOptional?: true }
      >;
    };
    const wanted = Object.entries(packages)
      .filter(([path, one]) => path !== '' && !one.dev && !one.optional && !one.devOptional)
      .map(([path, one]) => `${path.replace(/^.*node_modules\//, '')}@${one.version}`)
      .toSorted();
    t.ok(wanted.length > 50, `${wanted.length} packages`);
    const inside = await inImage('cat', '/usr/lib/nodeseal/sbom.cdx.json');
    t.equal(inside, readFileSync(join(out, 'sbom.cdx.json'), 'utf8').trim(), 'the SBOM beside it');
    const { components, metadata } = JSON.parse(inside);
    const listed = components.map(
      (one: { name: string; version: string }) => `${one.name}@${one.version}`,
    );
    t.strictSame(listed.toSorted(), wanted, 'the SBOM is the production tree of the lockfile');
    for (const one of components) t.ok(one.licenses.length > 0 && one.hashes.length > 0, one.name);
    t.match(metadata, { component: { name: 'nodeseal', version } });
    t.notOk('timestamp' in metadata, 'the same sources, the same bytes');
    const program = `const files = fs.globSync('**', { cwd: '/usr/lib/nodeseal', withFileTypes: true });
      console.log(JSON.stringify(files.filter((f) => f.isFile()).map((f) => f.parentPath + '/' + f.name)))`;
    const files = JSON.parse(await inImage('node', '-e', program)) as readonly string[];
    const packagesIn = new Set(
      files.flatMap((file) => /\/node_modules\/((?:@[^/]+\/)?[^/.][^/]*)\//.exec(file)?.[1] ?? []),
    );
    const names = wanted.map((one) => one.replace(/@[^@]+$/, ''));
    t.strictSame([...packagesIn].toSorted(), [...new Set(names)].toSorted());
    t.strictSame(
      files.filter((file) =>
        /\.(map|d\.[cm]?ts)$|\/test\//.test(file.replace(/\/node_modules\/.*\/test\//, '')),
      ),
      [],
    );
  });

  await t.test('each program runs in it, as a user who may write nothing', async (t) => {
    t.match(await inImage('nodeseal', 'version', '--client'), `nodeseal ${version}`);
    t.match(await inImage('kubectl-nodeseal', 'version', '--client'), `nodeseal ${version}`);
    const from = performance.now();
    await inImage('nodeseal', 'version', '--client');
    t.comment(`a container of nodeseal version: ${Math.round(performance.now() - from)} ms`);
    for (const program of ['agent', 'aggregator']) {
      const effective = await inImage(`nodeseal-${program}`, 'config', 'check');
      t.match(effective, /stateDir: \/var\/lib\/nodeseal/, 'without a file the defaults');
    }
    await t.rejects(inImage('sh', '-c', ': >/usr/x'), /Read-only file system/);
  });
});

/** Milliseconds from the start of a container to a line of its log. */
async function readyAfter(name: string, message: string): Promise<number> {
  for (const until = Date.now() + 60_000; ; ) {
    const lines = (await podman('logs', name)).split('\n').filter((line) => line.startsWith('{'));
    const entry = lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === message);
    if (entry !== undefined) {
      const started = await podman('inspect', '-f', '{{json .State.StartedAt}}', name);
      return Date.parse(entry.time) - Date.parse(JSON.parse(started));
    }
    if (Date.now() > until) throw new Error(`${name} did not say: ${message}`);
    await setTimeout(100);
  }
}

t.test(
  'an agent that may nothing but read the node reports to an aggregator',
  { skip },
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'nodeseal-install-'));
    const [config, server, state] = ['config', 'server', 'state'].map((name) => {
      mkdirSync(join(folder, name));
      return join(folder, name);
    }) as [string, string, string];
    await chown(server, 65532, 65532);
    writeFileSync(join(config, 'aggregator.yaml'), 'listen: {address: 127.0.0.1, port: 8443}\n');
    const uplink =
      'aggregator: {url: "http://127.0.0.1:8443", joinTokenFile: /etc/nodeseal/join.token}';
    writeFileSync(join(config, 'agent.yaml'), `hostRoot: /host\n${uplink}\n`);
    t.teardown(async () => {
      await podman('rm', '--force', '--time', '5', '--depend', 'nodeseal-aggregator');
      await rm(folder, { recursive: true });
    });
    const confined = ['--read-only', '--cap-drop=ALL', '--security-opt=no-new-privileges'];
    const start = async (name: string, ...options: readonly string[]): Promise<number> => {
      const mounts = ['-v', `${config}:/etc/nodeseal:ro`];
      await podman('run', '-d', '--name', name, ...confined, ...mounts, ...options, IMAGE, name);
      return await readyAfter(name, `${name.replace('nodeseal-', '')} is ready`);
    };
    const took = await start('nodeseal-aggregator', '-v', `${server}:/var/lib/nodeseal/aggregator`);
    t.comment(`the aggregator is ready after ${took} ms`);
    const tokens = join(server, 'tokens');
    writeFileSync(join(config, 'join.token'), readFileSync(join(tokens, 'join.token')));
    const mounts = ['-v', '/:/host:ro,rslave', '-v', `${state}:/var/lib/nodeseal/agent`];
    const asRoot = ['--user', '0', '--env', 'NODE_NAME=this-machine'];
    const net = ['--net', 'container:nodeseal-aggregator'];
    t.comment(
      `the agent is ready after ${await start('nodeseal-agent', ...net, ...asRoot, ...mounts)} ms`,
    );

    const status = await podman('exec', 'nodeseal-agent', 'cat', '/proc/1/status');
    for (const set of ['CapPrm', 'CapEff', 'CapBnd', 'CapInh', 'CapAmb']) {
      t.match(status, new RegExp(`^${set}:\\s+0{16}$`, 'm'), set);
    }
    t.match(status, /^Seccomp:\s+2$/m);
    t.match(status, /^NoNewPrivs:\s+1$/m);
    const command = await podman('exec', 'nodeseal-agent', 'cat', '/proc/1/cmdline');
    t.match(command, /^node\0.*dist\/agent\/main\.js/s, 'no shell is left in between');
    for (const place of ['/usr/x', '/host/etc/x', '/host/usr/x']) {
      const write = podman('exec', 'nodeseal-agent', 'sh', '-c', `: >${place}`);
      await t.rejects(write, /Read-only file system/, place);
    }

    const access = ['--server', 'http://127.0.0.1:8443', '--token-file'];
    const admin = '/var/lib/nodeseal/aggregator/tokens/admin.token';
    const ask = [
      'exec',
      'nodeseal-aggregator',
      'nodeseal',
      'get',
      'nodes',
      '-o',
      'json',
      ...access,
      admin,
    ];
    for (const until = Date.now() + 60_000; ; await setTimeout(200)) {
      const { items, coverage } = JSON.parse(await podman(...ask));
      if (coverage.reporting === 1 || Date.now() > until) {
        t.match(items, [{ name: 'this-machine', state: 'online' }]);
        t.match(coverage, { expected: 1, reporting: 1 });
        break;
      }
    }
    const from = performance.now();
    await podman('stop', '--time', '10', 'nodeseal-agent');
    t.comment(`the agent stops in ${Math.round(performance.now() - from)} ms`);
    t.equal(await podman('inspect', '-f', '{{.State.ExitCode}}', 'nodeseal-agent'), '0');
  },
);
