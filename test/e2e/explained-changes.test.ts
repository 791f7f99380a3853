import { mkdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import type { Agent } from '../../agent/daemon.ts';
import { captureBaseline, saveBaseline } from '../../agent/desired/baseline.ts';
import { desiredState } from '../../agent/desired/desired.ts';
import { openHost } from '../../agent/host.ts';
import { acceptableFiles, surveyFiles } from '../../agent/survey.ts';
import { runAgent } from '../support/agent.ts';
import { makeHostRoot, noHostRoots } from '../support/host-root.ts';

t.setTimeout(60_000);

const POLICY = '/etc/containers/policy.json';
const REDHAT = '/etc/containers/registries.d/registry.redhat.io.yaml';
const CURRENT = '/etc/machine-config-daemon/currentconfig';
const ACCEPT = '{"default":[{"type":"insecureAcceptAnything"}]}';

/** A whole node and the real agents that run over it, one after another. */
class Node {
  readonly folder: string;
  readonly root: string;
  #next = 1;

  constructor(folder: string, ...options: readonly string[]) {
    this.folder = folder;
    this.root = join(folder, 'host');
    mkdirSync(this.root);
    makeHostRoot(this.root, ...options);
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(`${this.root}${path}`), { recursive: true });
    writeFileSync(`${this.root}${path}`, text);
  }

  read(path: string): string {
    return readFileSync(`${this.root}${path}`, 'utf8');
  }

  /** Writes a file into the MachineConfig too, as a roll-out of another one does. */
  rollOut(name: string, files: Readonly<Record<string, string>>): void {
    const config = JSON.parse(this.read(CURRENT));
    config.metadata.name = name;
    for (const [path, text] of Object.entries(files)) {
      this.write(path, text);
      const entry = config.spec.config.storage.files.find(
        (file: { path: string }) => file.path === path,
      );
      entry.contents = { source: `data:,${encodeURIComponent(text)}` };
    }
    this.write(CURRENT, JSON.stringify(config));
  }

  /** Every `file.changed` since the last call, when the agent has looked at everything again. */
  async told(agent: Agent): Promise<readonly Readonly<Record<string, unknown>>[]> {
    await agent.rescan();
    const items = await agent.spool.read(this.#next, { records: 1000, bytes: 10_000_000 });
    this.#next = (items.at(-1)?.sequence ?? this.#next - 1) + 1;
    return items.flatMap(({ kind, class: weight, data }) =>
      kind === 'file.changed' ? [{ ...data, weight }] : [],
    );
  }
}

t.test(
  'a real agent tells a change that nobody asked for from one that was rolled out',
  { skip: noHostRoots },
  async (t) => {
    const node = new Node(t.testdir({}));
    await using running = await runAgent(node.folder, undefined, { checks: [] });
    const { agent } = running;
    t.same(await node.told(agent), [], 'the first look is state, not news');

    await t.test('an edit by hand', async (t) => {
      node.write(POLICY, ACCEPT);
      const [event, ...others] = await node.told(agent);
      t.same(others, []);
      t.match(event, {
        path: POLICY,
        weight: 'high',
        change: 'changed',
        class: 'managed-drift',
        explained: null,
        meaning: { kind: 'policy', effect: 'weakened', strengthened: 0 },
      });
      t.match(event?.['meaning'], {
        lines: [
          /^the default is no longer refused/,
          /redhat\.com no longer requires a signature by/,
        ],
      });
    });

    await t.test('the same bytes again, in every way, are no news', async (t) => {
      const path = `${node.root}${POLICY}`;
      writeFileSync(path, ACCEPT);
      t.same(await node.told(agent), []);
      utimesSync(path, 1, 1);
      t.same(await node.told(agent), []);
      writeFileSync(`${path}.new`, ACCEPT);
      renameSync(`${path}.new`, path);
      t.same(await node.told(agent), []);
      writeFileSync(path, '{}');
      writeFileSync(path, ACCEPT);
      t.same(await node.told(agent), [], 'there and back between two looks');
    });

    await t.test('a roll-out', async (t) => {
      node.rollOut('rendered-worker-2', { [POLICY]: '{"default":[{"type":"reject"}]}' });
      t.match(await node.told(agent), [
        {
          path: POLICY,
          weight: 'low',
          class: 'managed',
          manager: 'rendered-worker-2',
          explained: { by: 'machine-config', name: 'rendered-worker-2' },
          meaning: { effect: 'strengthened', weakened: 0 },
        },
      ]);
    });

    await t.test('a roll-out that takes its time', async (t) => {
      const before = node.read(CURRENT);
      const text = '{"default":[{"type":"reject"}],"transports":{}}';
      node.rollOut('rendered-worker-3', { [POLICY]: text });
      const after = node.read(CURRENT);
      node.write(CURRENT, before);
      t.match(await node.told(agent), [{ path: POLICY, weight: 'high', explained: null }]);
      node.write(CURRENT, after);
      t.match(await node.told(agent), [
        {
          path: POLICY,
          weight: 'low',
          changed: ['class'],
          explained: { by: 'machine-config', name: 'rendered-worker-3' },
        },
      ]);
    });

    await t.test('a roll-out of the same files under another name is no news', async (t) => {
      node.rollOut('rendered-worker-4', {});
      t.same(await node.told(agent), []);
    });

    await t.test('a roll-out that is none: the name stays, the content does not', async (t) => {
      const next = agent.spool.state.next;
      node.rollOut('rendered-worker-4', { [POLICY]: ACCEPT });
      t.match(await node.told(agent), [
        { path: POLICY, weight: 'high', class: 'managed', explained: null },
      ]);
      const items = await agent.spool.read(next, { records: 10, bytes: 100_000 });
      t.match(
        items.filter(({ kind }) => kind === 'machine-config.changed'),
        [
          {
            class: 'high',
            data: { was: 'rendered-worker-4', now: 'rendered-worker-4', altered: true },
          },
        ],
      );
    });

    await t.test('a file of nobody, while the node is being updated and after', async (t) => {
      const annotations = '/etc/machine-config-daemon/node-annotations.json';
      node.write(annotations, '{"machineconfiguration.openshift.io/state":"Working"}');
      node.write('/etc/sudoers.d/one', 'x');
      t.match(await node.told(agent), [
        {
          path: '/etc/sudoers.d/one',
          weight: 'low',
          explained: { by: 'update-in-progress', sign: annotations },
        },
      ]);
      rmSync(`${node.root}${annotations}`);
      node.write('/etc/sudoers.d/two', 'x');
      t.match(await node.told(agent), [
        { path: '/etc/sudoers.d/two', weight: 'high', explained: null },
      ]);
    });
  },
);

t.test(
  'a change made while the agent was down is explained when it is back',
  { skip: noHostRoots },
  async (t) => {
    const node = new Node(t.testdir({}));
    const vendor = '/etc/chrony.conf';
    for (const path of [vendor, `/usr${vendor}`]) node.write(path, 'pool old\n');
    const boot = node.read('/proc/cmdline');
    node.write('/proc/cmdline', `${boot.trim()} ostree=/ostree/boot.1/rhcos/a/0\n`);
    {
      await using running = await runAgent(node.folder, undefined, { checks: [] });
      t.same(await node.told(running.agent), []);
    }
    node.write(REDHAT, 'docker:\n  registry.redhat.io:\n    lookaside: https://evil.test/\n');
    for (const path of [vendor, `/usr${vendor}`]) node.write(path, 'pool new\n');
    node.write('/proc/cmdline', `${boot.trim()} ostree=/ostree/boot.1/rhcos/b/0\n`);
    {
      await using running = await runAgent(node.folder, undefined, { checks: [] });
      const events = await node.told(running.agent);
      t.match(events, [
        {
          path: vendor,
          weight: 'low',
          explained: {
            by: 'os-deployment',
            was: '/ostree/boot.1/rhcos/a/0',
            now: '/ostree/boot.1/rhcos/b/0',
          },
        },
        {
          path: REDHAT,
          weight: 'high',
          explained: null,
          meaning: {
            kind: 'settings',
            added: ['docker["registry.redhat.io"].lookaside'],
            removed: ['docker["registry.redhat.io"].sigstore'],
          },
        },
      ]);
      t.equal(events.length, 2);
      node.write(vendor, 'pool newer\n');
      node.write(`/usr${vendor}`, 'pool newer\n');
      t.match(
        await node.told(running.agent),
        [{ path: vendor, explained: null }],
        'once a deployment',
      );
    }
  },
);

t.test(
  'a node of packages has its changes explained by what a person accepted',
  { skip: noHostRoots },
  async (t) => {
    const node = new Node(t.testdir({}), '--profile', 'rhel9', '--mc', 'missing');
    node.write('/etc/sysctl.d/50-a.conf', 'kernel.dmesg_restrict = 1\n');
    await using running = await runAgent(node.folder, undefined, { checks: [] });
    const { agent } = running;
    await node.told(agent);
    node.write('/etc/sysctl.d/50-a.conf', 'kernel.dmesg_restrict = 0\n');
    t.match(await node.told(agent), [
      {
        weight: 'medium',
        explained: null,
        meaning: { values: [{ at: 'kernel.dmesg_restrict', was: '1', now: '0' }] },
      },
    ]);
    const host = openHost(node.root);
    const accepted = captureBaseline({
      findings: [],
      files: acceptableFiles(await surveyFiles(host, await desiredState(host, undefined))),
      acceptedAt: '2026-01-01T00:00:00Z',
      acceptedBy: 'admin',
    });
    await saveBaseline(join(node.folder, 'state', 'baseline.json'), accepted);
    t.same(await node.told(agent), [], 'that all is accepted is no change of each file');
    node.write('/etc/sysctl.d/50-a.conf', 'kernel.dmesg_restrict = 1\n');
    t.match(await node.told(agent), [
      { weight: 'medium', explained: null, class: 'managed-drift' },
    ]);
    node.write('/etc/sysctl.d/50-a.conf', 'kernel.dmesg_restrict = 0\n');
    t.match(await node.told(agent), [{ weight: 'low', explained: { by: 'baseline' } }]);
  },
);
