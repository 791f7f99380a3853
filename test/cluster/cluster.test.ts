import { readFileSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { verifyServiceAccountToken } from '../../aggregator/identity/service-account.ts';
import { everyEventIsThere } from './events.ts';
import { whyNoCluster } from './here.ts';
import { ANYTHING, Installation, type Listed, type NodeItem, REJECT } from './installation.ts';
import { labManifests } from './overlay.ts';
import { until } from './until.ts';

const skip = whyNoCluster();
t.setTimeout(1_800_000);
t.bail = true;

const IMAGE = 'localhost/nodeseal:cluster';
const AGENTS = ['-l', 'app.kubernetes.io/name=nodeseal-agent'];
const folder = join(tmpdir(), 'nodeseal-cluster');

t.test('nodeseal in a cluster', { skip }, async (t) => {
  const lab = new Installation(folder);
  const { kube, images } = lab;
  const { caFile, manifests } = labManifests(join(folder, 'overlay'), IMAGE);
  t.teardown(async () => {
    await kube.down();
    await rmdir('/var/lib/nodeseal');
  });

  await images.build('-t', IMAGE);
  await kube.up(2);
  await kube.load(await images.save(IMAGE));
  await lab.prepare();

  await t.test('the overlay is applied and rolled out on every node', async (t) => {
    const from = performance.now();
    await kube.kubectl('apply', '-f', manifests);
    await lab.kubectl('rollout', 'status', 'ds/nodeseal-agent', '--timeout=120s');
    await lab.kubectl('rollout', 'status', 'deploy/nodeseal-aggregator', '--timeout=120s');
    t.comment(`applied and ready after ${Math.round(performance.now() - from)} ms`);
    await lab.logIn(caFile);
    await until(60, async () => {
      const { items } = await lab.list<NodeItem>('nodes');
      return items.length === 2 && items.every(({ state }) => state === 'online');
    });
    t.comment(`both nodes online after ${Math.round(performance.now() - from)} ms`);
    const { coverage } = await lab.list<NodeItem>('nodes');
    t.match(
      coverage,
      { expected: 2, reporting: 2, missing: [] },
      'the cluster says who is expected',
    );
  });

  await t.test(
    'an agent is who its token says: by signature offline, its node by review',
    async (t) => {
      const [pod = ''] = (await lab.kubectl('get', 'pods', ...AGENTS, '-o', 'name')).split('\n');
      const field = async (path: string): Promise<string> =>
        await lab.kubectl('get', pod, '-o', `jsonpath={${path}}`);
      const token = await lab.kubectl('exec', pod, '--', 'cat', '/var/run/secrets/nodeseal/token');
      const rules = {
        issuer: 'https://kubernetes.default.svc',
        audience: 'nodeseal-aggregator',
        serviceAccount: 'nodeseal/nodeseal-agent',
      };
      const keys = JSON.parse(await kube.signingKeys());
      const identity = await verifyServiceAccountToken(token, keys, rules, Date.now());
      t.equal(identity.podUid, await field('.metadata.uid'));
      t.equal(identity.node, undefined, 'Kubernetes 1.20 does not say the node: the review does');
      const { items } = await lab.list<NodeItem>('nodes');
      for (const { name, uid } of items) {
        t.equal(
          uid,
          await lab.kubectl('get', 'node', name, '-o', 'jsonpath={.metadata.uid}'),
          name,
        );
      }
      const known = await lab.ask(lab.keep(token), 'get', 'nodes');
      t.match(
        known,
        { status: 4, stderr: /agent|allowed|role/ },
        'known, and no reader of the fleet',
      );
      const [head = '', payload = '', signature = ''] = token.split('.');
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
      const forged = Buffer.from(JSON.stringify({ ...claims, exp: claims.exp + 60 }));
      const other = [head, forged.toString('base64url'), signature].join('.');
      await t.rejects(verifyServiceAccountToken(other, keys, rules, Date.now()), {
        code: 'ERR_TOKEN_SIGNATURE',
      });
      t.match(await lab.ask(lab.keep(`${other}`), 'get', 'nodes'), {
        status: 4,
        stderr: /unknown/,
      });
    },
  );

  await t.test('the agent runs confined', async (t) => {
    const status = await lab.kubectl('exec', 'ds/nodeseal-agent', '--', 'cat', '/proc/1/status');
    for (const set of ['CapPrm', 'CapEff', 'CapBnd', 'CapInh']) {
      t.match(status, new RegExp(`^${set}:\\s+0{16}$`, 'm'), set);
    }
    t.match(status, /^NoNewPrivs:\s+1$/m);
    t.match(status, /^Seccomp:\s+2$/m);
    t.comment(/^VmHWM:.*$/m.exec(status)?.[0].replace(/\s+/g, ' '));
    const write = [
      'sh',
      '-c',
      'for f in /usr/x /host/etc/x; do if (: >$f) 2>/dev/null; then exit 1; fi; done',
    ];
    await lab.kubectl('exec', 'ds/nodeseal-agent', '--', ...write);
  });

  await t.test('a weaker policy on one node is a finding at once', async (t) => {
    t.equal(await lab.result('node1', 'trust.default-reject'), 'pass');
    lab.policy(1, ANYTHING);
    const took = await until(
      30,
      async () => (await lab.result('node1', 'trust.default-reject')) === 'fail',
    );
    t.comment(`found by kubectl nodeseal get findings after ${took} ms`);
    t.equal(await lab.result('node2', 'trust.default-reject'), 'pass');
  });

  await t.test('the DaemonSet is rolled over, and no event is lost', async (t) => {
    const before = (await lab.events()).length;
    await lab.kubectl('rollout', 'restart', 'ds/nodeseal-agent');
    const rolled = lab.kubectl('rollout', 'status', 'ds/nodeseal-agent', '--timeout=180s');
    let policies = 0;
    for (let isRolling = true; isRolling; policies++) {
      for (const node of [1, 2]) lab.policy(node, policies % 2 === 0 ? REJECT : ANYTHING);
      const slept = setTimeout(1500, true);
      isRolling = await Promise.race([slept, rolled.then(() => false)]);
    }
    for (const node of [1, 2]) lab.policy(node, ANYTHING);
    for (const node of ['node1', 'node2']) {
      await until(60, async () => (await lab.result(node, 'trust.default-reject')) === 'fail');
    }
    const items = await lab.events();
    t.comment(`${policies} changes while it rolled, ${items.length - before} events`);
    everyEventIsThere(t, items);
    for (const node of ['node1', 'node2']) {
      const started = items.filter((each) => each.node === node && each.kind === 'agent.started');
      t.ok(started.length >= 2, `${node} began anew`);
    }
  });

  await t.test('without the API server everything goes on', async (t) => {
    await kube.daemon('stop', 'kube-apiserver');
    await t.rejects(kube.kubectl('get', 'nodes'), 'the API server is away');
    for (const node of [1, 2]) lab.policy(node, REJECT);
    for (const node of ['node1', 'node2']) {
      await until(60, async () => (await lab.result(node, 'trust.default-reject')) === 'pass');
    }
    const { coverage } = await lab.list<NodeItem>('nodes');
    t.match(coverage, { expected: 2, reporting: 2, missing: [] });
    await kube.daemon('start', 'kube-apiserver');
    await until(60, async () => {
      const wait = ['wait', '--for=condition=Ready', 'nodes', '--all', '--timeout=60s'];
      await kube.kubectl(...wait);
      return true;
    });
  });

  await t.test('a node whose kubelet stopped is named with the cause', async (t) => {
    await kube.daemon('stop', 'kubelet', 2);
    // Nobody starts its agent again.
    const script = `for p in /proc/[0-9]*; do
      if tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep -q 'dist/agent/main[.]js'; then kill -9 \${p#/proc/}; fi
    done`;
    await kube.on(2, script);
    await kube.kubectl('wait', '--for=condition=Ready=Unknown', 'node/node2', '--timeout=120s');
    const [missing] = await covered(lab, 1);
    t.match(missing, { node: 'node2', cause: /^silent since .*, node not ready$/ });
    const { status, stdout } = await lab.status('--require-coverage', '100%');
    t.equal(status, 3, 'coverage below what was required');
    t.match(stdout, /1\/2 nodes reporting .*node2: silent for \w+, node not\s+ready/);
    await kube.daemon('start', 'kubelet', 2);
    t.strictSame(await covered(lab, 2), [], 'it comes back');
  });

  await t.test('all of it is removed', async (t) => {
    await kube.kubectl('delete', '-f', manifests, '--timeout=180s');
    const kinds = 'clusterroles,clusterrolebindings,persistentvolumes,namespaces';
    const left = await kube.kubectl('get', kinds, '-o', 'name');
    t.notMatch(left, /nodeseal/);
    const running = `cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c 'dist/agent/main[.]js' || :`;
    for (const node of [1, 2]) {
      t.equal(await kube.on(node, running), '0', `no agent on node${node}`);
      const [state] = [join(lab.own(node, 'lib'), 'agent')];
      t.ok(
        readFileSync(join(state, 'last-report.json')).length > 0,
        'its state stays, for a new install',
      );
    }
  });
});

/** Waits until so many nodes report; who is missing then, and why. */
async function covered(
  lab: Installation,
  nodes: number,
): Promise<Listed<never>['coverage']['missing']> {
  let missing: Listed<never>['coverage']['missing'] = [];
  const isCovered = async (): Promise<boolean> => {
    // After an outage of the API server nodes count as lost for some seconds, and services lead nowhere.
    const { coverage } = await lab.list<NodeItem>('nodes');
    missing = coverage.missing;
    return coverage.reporting === nodes;
  };
  // A node is late after two heartbeats and silent, no longer counted, after five minutes.
  await until(420, isCovered, 2000);
  return missing;
}
