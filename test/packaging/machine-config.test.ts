import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { configSchema } from '../../agent/config.ts';
import { parseUnitFile } from '../../agent/unit-file.ts';
import { translateButane } from '../../packaging/machineconfig/translate.ts';
import { parseConfig } from '../../shared/config.ts';
import { ignitionContent } from '../../shared/ignition/content.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const butane = read('packaging/machineconfig/nodeseal-agent.bu');
const machineConfig = read('packaging/machineconfig/nodeseal-agent.yaml');

interface IgnitionFile {
  readonly path: string;
  readonly mode: number;
  readonly contents: { readonly source: string; readonly compression: string };
}
const files: readonly IgnitionFile[] = parse(machineConfig).spec.config.storage.files;

function content(path: string): string {
  const file = files.find((one) => one.path === path);
  if (file === undefined) throw new Error(`no ${path}`);
  return ignitionContent(file.contents.source, file.contents.compression).toString();
}

const QUADLET = '/etc/containers/systemd/nodeseal-agent.container';
const { assignments } = parseUnitFile(content(QUADLET));
const valuesOf = (name: string): readonly string[] =>
  assignments
    .filter((one) => one.section === 'Container' && one.name === name)
    .map(({ value }) => value);

t.test('the MachineConfig is what the Butane file says', async (t) => {
  t.equal(machineConfig, translateButane(butane), 'npm run docs writes it anew');
  const source = parse(butane, { version: '1.1' }).storage.files as readonly {
    path: string;
    mode: number;
    contents: { inline: string };
  }[];
  t.ok(source.length > 2);
  for (const { path, mode, contents } of source) {
    t.equal(content(path), contents.inline, path);
    t.equal(files.find((one) => one.path === path)?.mode, mode, path);
  }
});

const BAD: readonly (readonly [what: string, from: string, to: string, error: RegExp])[] = [
  [
    'a key of Butane that is not translated',
    '      overwrite: true',
    '      append: []',
    /Invalid/,
  ],
  ['another variant', 'variant: openshift', 'variant: fcos', /Invalid/],
  ['a content from beside the file', 'inline: |', 'local: |', /Invalid/],
  ['a mode that is none', 'mode: 0600', 'mode: rw', /Invalid/],
];
for (const [what, from, to, error] of BAD) {
  t.test(`${what} is refused`, async (t) => {
    t.ok(butane.includes(from));
    t.throws(() => translateButane(butane.replace(from, to)), error);
  });
}

t.test('the agent takes its configuration, and the token is private', async (t) => {
  const config = parseConfig(content('/etc/nodeseal/agent.yaml'), 'agent.yaml', configSchema);
  t.match(config, { hostRoot: '/host', aggregator: { joinTokenFile: '/etc/nodeseal/join.token' } });
  t.equal(files.find(({ path }) => path === '/etc/nodeseal/join.token')?.mode, 0o600);
});

t.test('the container may do no more than the DaemonSet, and sees the same', async (t) => {
  for (const [name, value] of [
    ['User', '0'],
    ['DropCapability', 'all'],
    ['NoNewPrivileges', 'true'],
    ['ReadOnly', 'true'],
  ] as const) {
    t.same(valuesOf(name), [value], name);
  }
  const daemonSet = parse(read('packaging/kustomize/base/agent.yaml')).spec.template.spec;
  const [container] = daemonSet.containers;
  const memory = `--memory=${container.resources.limits.memory.replace('Mi', 'm')}`;
  t.ok(valuesOf('PodmanArgs').some((text) => text.startsWith(memory)));
  const volumes = new Map(valuesOf('Volume').map((text) => [text.split(':')[1] ?? '', text]));
  const seen = container.volumeMounts
    .filter(({ mountPath }: { mountPath: string }) => mountPath.startsWith('/host/'))
    .map(({ mountPath, mountPropagation }: { mountPath: string; mountPropagation?: string }) => {
      const options = mountPropagation === 'HostToContainer' ? 'ro,rslave' : 'ro';
      return `${mountPath.replace('/host', '')}:${mountPath}:${options}`;
    });
  const ours = [...volumes.values()].filter((text) => text.includes(':/host/'));
  t.same(ours.toSorted(), seen.toSorted());
  t.equal(volumes.get('/etc/nodeseal'), '/etc/nodeseal:/etc/nodeseal:ro');
  t.match(valuesOf('Image')[0], /@sha256:[0-9a-f]{64}$/, 'by its digest');
});

/**
 * What the generator of podman 4.4.4 made of the container, the version of OpenShift 4.14; written down anew by running
 * /usr/lib/systemd/system-generators/podman-system-generator of that version with the container in its place.
 */
const generated = read('test/fixtures/quadlet/nodeseal-agent.service');

t.test('podman makes a unit of the container as it stands', async (t) => {
  const sectionOf = (text: string, name: string): string =>
    text.split(`[${name}]\n`)[1]?.split('\n[')[0]?.trimEnd() ?? '';
  const own = sectionOf(content(QUADLET), 'Container');
  t.not(own, '');
  t.equal(sectionOf(generated, 'X-Container'), own, 'the unit written down is of this container');
  t.match(sectionOf(generated, 'Service'), sectionOf(content(QUADLET), 'Service'));
  const [, command = ''] = /^ExecStart=(\S+ run .*)$/m.exec(generated) ?? [];
  const words = command.split(' ');
  for (const word of [
    ...['--cap-drop=all', '--read-only', '--security-opt=no-new-privileges', '--network=host'],
    ...['--security-opt=label=type:spc_t', '--memory=256m', '--pids-limit=64'],
  ]) {
    t.ok(words.includes(word), word);
  }
});

const noAnalyze =
  spawnSync('systemd-analyze', ['--version']).error !== undefined && 'needs systemd-analyze';
t.test('systemd takes what podman makes of it', { skip: noAnalyze }, async (t) => {
  const unit = generated.replaceAll('/usr/bin/podman', '/bin/true');
  const file = join(t.testdir({}), 'nodeseal-agent.service');
  writeFileSync(file, unit);
  const verify = ['verify', '--recursive-errors=no', '--man=no', file];
  const { status, stderr } = spawnSync('systemd-analyze', verify, { encoding: 'utf8' });
  t.equal(stderr, '');
  t.equal(status, 0);
});
