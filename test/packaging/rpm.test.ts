import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { productionModules } from '../../packaging/production-modules.ts';
import { buildPackages, SPEC } from '../../packaging/rpm/packages.ts';
import { VERSION } from '../../shared/version.ts';
import { noRpm, testPackages } from '../support/rpm.ts';

const skip =
  noRpm || (process.getuid?.() !== 0 && 'needs root: scriptlets run in a root of their own');
const CODE = '/usr/lib/nodeseal';

/** A root with a shell and a systemctl that writes down what it is asked. */
function emptyRoot(folder: string): string {
  const root = join(folder, 'root');
  const linked = execFileSync('ldd', ['/bin/sh'], { encoding: 'utf8' });
  const libraries = [...linked.matchAll(/(?:=> )?(\/\S+) \(/g)].map(([, path = '']) => path);
  for (const path of ['/bin/sh', ...libraries]) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    copyFileSync(realpathSync(path), join(root, path));
  }
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  writeFileSync(join(root, 'usr/bin/systemctl'), '#!/bin/sh\necho "$*" >>/asked\n');
  chmodSync(join(root, 'usr/bin/systemctl'), 0o755);
  return root;
}

function rpm(root: string, ...words: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(
    'rpm',
    ['--root', root, '--dbpath', '/var/lib/rpm', ...words],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`rpm ${words.join(' ')}: ${stdout}${stderr}`);
  return stdout.trimEnd();
}

function byName(one: { readonly name: string }, other: { readonly name: string }): number {
  return one.name < other.name ? -1 : Number(one.name > other.name);
}

function asked(root: string): readonly string[] {
  const file = join(root, 'asked');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  rmSync(file, { force: true });
  return lines;
}

const MODES: readonly (readonly [path: string, mode: number])[] = [
  ['/usr/lib/nodeseal/bin/nodeseal-agent', 0o100755],
  ['/usr/lib/nodeseal/bin/nodeseal-ended', 0o100755],
  ['/usr/lib/nodeseal/dist/aggregator/main.js', 0o100644],
  ['/usr/lib/nodeseal/packaging/profiles/stig.yaml', 0o100644],
  ['/usr/bin/nodeseal', 0o120777],
  ['/usr/bin/kubectl-nodeseal', 0o120777],
  ['/usr/bin/kubectl_complete-nodeseal', 0o120777],
  ['/usr/lib/systemd/system/nodeseal-agent.service', 0o100644],
  ['/usr/lib/systemd/system-preset/90-nodeseal-aggregator.preset', 0o100644],
  ['/usr/lib/sysusers.d/nodeseal-aggregator.conf', 0o100644],
  ['/usr/lib/tmpfiles.d/nodeseal-agent.conf', 0o100644],
  ['/usr/share/man/man8/nodeseal-agent.8', 0o100644],
  ['/usr/share/man/man5/nodeseal-aggregator.yaml.5', 0o100644],
  ['/usr/share/man/man1/nodeseal-get.1', 0o100644],
  ['/usr/share/bash-completion/completions/nodeseal', 0o100644],
  ['/usr/share/zsh/site-functions/_nodeseal', 0o100644],
  ['/usr/share/fish/vendor_completions.d/nodeseal.fish', 0o100644],
  ['/etc/nodeseal/agent.yaml', 0o100644],
];

t.test('the packages install, upgrade and go as they should', { skip }, async (t) => {
  const root = emptyRoot(t.testdir({}));
  const state = join(root, 'var/lib/nodeseal/agent');
  rpm(root, '--nodeps', '-i', ...testPackages('0.0.9'));
  t.same(
    asked(root).toSorted(),
    ['nodeseal-agent', 'nodeseal-aggregator'].map((unit) => `--no-reload preset ${unit}.service`),
    'presets are asked, nothing is started',
  );
  for (const [path, mode] of MODES) {
    t.equal(lstatSync(join(root, path)).mode.toString(8), mode.toString(8), path);
  }
  t.equal(rpm(root, '-qa', '--qf', '%{FILEUSERNAME}\\n').replaceAll(/root|\n/g, ''), '', 'root’s');
  const requires = rpm(root, '-q', '--requires', 'nodeseal-common').split('\n');
  t.ok(requires.includes('nodejs(engine) >= 24'), requires.join(', '));
  t.match(rpm(root, '-q', '--requires', 'nodeseal-agent'), 'nodeseal-common = 0.0.9-1');
  t.same(rpm(root, '-q', '--configfiles', 'nodeseal-agent', 'nodeseal-aggregator').split('\n'), [
    '/etc/nodeseal/agent.yaml',
    '/etc/nodeseal/aggregator.yaml',
  ]);
  t.notOk(existsSync(join(root, CODE, 'node_modules/typescript')), 'nothing for development');
  const files = rpm(root, '-qal').split('\n');
  t.same(
    files.filter((file) => /\.(?:ts|map)$/.test(file)),
    [],
    'no types, no source maps',
  );
  const shipped = productionModules().map((path) => {
    const { name, version } = JSON.parse(
      readFileSync(join(root, CODE, path, 'package.json'), 'utf8'),
    );
    return { name, version };
  });
  const documents = join(root, rpm(root, '-qd', 'nodeseal-common').split('\n')[0] ?? '', '..');
  const { components } = JSON.parse(readFileSync(join(documents, 'sbom.cdx.json'), 'utf8'));
  t.match(components.toSorted(byName), shipped.toSorted(byName), 'the SBOM names each package');
  t.equal(components.length, shipped.length, 'and no other');
  const [licence = '', notices = ''] = rpm(root, '-qL', 'nodeseal-common').split('\n');
  t.match(readFileSync(join(root, licence), 'utf8'), 'Apache License');
  const texts = readFileSync(join(root, notices), 'utf8');
  for (const { name, version } of shipped) t.match(texts, `\n${name} ${version} (`, name);
  for (const program of ['agent', 'aggregator', 'cli'] as const) {
    const main = join(root, CODE, 'dist', program, 'main.js');
    const words = program === 'cli' ? ['version'] : ['config', 'check'];
    const config =
      program === 'cli' ? [] : ['--config', join(root, `etc/nodeseal/${program}.yaml`)];
    const run = spawnSync(process.execPath, [main, ...words, ...config], { encoding: 'utf8' });
    t.equal(run.status, 0, `${program} runs from where it is installed: ${run.stderr}`);
  }

  mkdirSync(join(state, 'spool'), { recursive: true });
  writeFileSync(join(state, 'node.pem'), 'identity');
  writeFileSync(join(state, 'spool/000001'), 'events');
  writeFileSync(join(root, 'etc/nodeseal/agent.yaml'), 'nodeName: mine\n');
  mkdirSync(join(root, 'run/systemd/system'), { recursive: true });
  rpm(root, '--nodeps', '-U', ...testPackages(VERSION));
  t.same(
    asked(root)
      .filter((line) => line !== 'daemon-reload')
      .toSorted(),
    ['nodeseal-agent', 'nodeseal-aggregator'].map((unit) => `try-restart ${unit}.service`),
    'what runs is restarted, what does not stays so',
  );
  t.equal(readFileSync(join(root, 'etc/nodeseal/agent.yaml'), 'utf8'), 'nodeName: mine\n');
  t.equal(rpm(root, '-q', '--qf', '%{VERSION}', 'nodeseal-agent'), VERSION);

  const names = ['agent', 'aggregator', 'cli', 'common'].map((name) => `nodeseal-${name}`);
  rpm(root, '-e', ...names);
  t.same(
    asked(root)
      .filter((line) => line !== 'daemon-reload')
      .toSorted(),
    ['nodeseal-agent', 'nodeseal-aggregator'].map(
      (unit) => `--no-reload disable --now ${unit}.service`,
    ),
  );
  t.equal(readFileSync(join(state, 'node.pem'), 'utf8'), 'identity', 'the identity stays');
  t.equal(readFileSync(join(state, 'spool/000001'), 'utf8'), 'events', 'the spool stays');
  t.equal(readFileSync(join(root, 'etc/nodeseal/agent.yaml.rpmsave'), 'utf8'), 'nodeName: mine\n');
  t.notOk(existsSync(join(root, CODE)), 'nothing else does');
});

t.test('what rpmbuild says is told in its words', { skip }, async (t) => {
  const topDir = t.testdir({});
  t.throws(() => buildPackages({ topDir, arguments: ['--no-such-option'] }), {
    message: /^rpmbuild ended with \d+:\n.*--no-such-option: unknown option/,
  });
});

t.test('the spec is of this version', async (t) => {
  const spec = readFileSync(SPEC, 'utf8');
  t.match(spec, new RegExp(`^Version:\\s+${VERSION}$`, 'm'));
  t.match(
    spec,
    new RegExp(`^\\* .* - ${VERSION}-1$`, 'm'),
    'and so is the first entry of its changelog',
  );
});

const noLint =
  noRpm || (spawnSync('rpmlint', ['--version']).error !== undefined && 'needs rpmlint');
t.test('rpmlint has nothing to say', { skip: noLint }, async (t) => {
  const config = join(dirname(SPEC), 'rpmlint.toml');
  const run = spawnSync('rpmlint', ['-c', config, SPEC, ...testPackages(VERSION)], {
    encoding: 'utf8',
  });
  const said = run.stdout.split('\n').filter((line) => /: [EWF]: /.test(line));
  t.same(said, []);
  t.match(run.stdout, /\b[45] packages and 1 specfiles checked/);
});
