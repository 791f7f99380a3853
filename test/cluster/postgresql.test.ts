import { rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { generalName } from '../support/certificates.ts';
import { PostgresServer, withoutPostgres } from '../support/postgres.ts';
import { tlsAuthority } from '../support/tls-authority.ts';
import { everyEventIsThere } from './events.ts';
import { whyNoCluster } from './here.ts';
import { AGGREGATORS, ANYTHING, Installation, type NodeItem, REJECT } from './installation.ts';
import type { KubeLab } from './kube-lab.ts';
import { type LabDatabase, labManifests } from './overlay.ts';
import { until } from './until.ts';

const skip = whyNoCluster() || withoutPostgres;
t.setTimeout(900_000);
t.bail = true;

const IMAGE = 'localhost/nodeseal:cluster';
const NODES = ['node1', 'node2'];
/** Of node1. */
const [ADDRESS, PORT, CLUSTER] = ['10.77.0.1', 5432, '10.0.0.0/8'] as const;
const PASSWORD = 'correct horse';
const folder = join(tmpdir(), 'nodeseal-cluster-postgresql');

/** A server of Debian's on node1, with TLS, as an administrator's own outside the pods. */
async function database(kube: KubeLab): Promise<PostgresServer & { readonly lab: LabDatabase }> {
  const server = await PostgresServer.create((program, args, where) => {
    const script =
      'cd "$1"; shift; exec setpriv --reuid postgres --regid postgres --clear-groups "$@"';
    return kube.on(1, script, where, program, ...args);
  });
  await server.sql(server.url('postgres'), `ALTER ROLE nodeseal PASSWORD '${PASSWORD}'`);
  await server.sql(server.url('postgres'), 'CREATE DATABASE nodeseal');
  const names = [generalName.address(...ADDRESS.split('.').map(Number))];
  const authority = tlsAuthority('database', undefined, names);
  await server.listen(PORT, authority.server, [ADDRESS, CLUSTER]);
  const url = `postgresql://nodeseal@${ADDRESS}/nodeseal`;
  return Object.assign(server, { lab: { url, password: PASSWORD, ca: authority.ca } });
}

interface Pod {
  readonly name: string;
  readonly node: number;
}

t.test('two aggregators on PostgreSQL in a cluster', { skip }, async (t) => {
  const lab = new Installation(folder);
  const { kube, images } = lab;
  await images.build('-t', IMAGE);
  t.teardown(async () => {
    await kube.down();
    await rmdir('/var/lib/nodeseal');
  });
  await kube.up(2);
  const server = await database(kube);
  t.teardown(() => server[Symbol.asyncDispose]());
  await kube.load(await images.save(IMAGE));
  await lab.prepare();
  const { caFile, manifests } = labManifests(join(folder, 'overlay'), IMAGE, server.lab);

  const aggregators = async (): Promise<readonly Pod[]> => {
    const path = '{range .items[*]}{.metadata.name} {.spec.nodeName}{"\\n"}{end}';
    const said = await lab.kubectl('get', 'pods', ...AGGREGATORS, '-o', `jsonpath=${path}`);
    return said.split('\n').map((line) => {
      const [name = '', node = ''] = line.split(' ');
      return { name, node: Number(node.replace('node', '')) };
    });
  };
  const rolledOut = (what: string): Promise<string> =>
    lab.kubectl('rollout', 'status', what, '--timeout=120s');
  // One that is online may not have reported yet.
  const bothOnline = (): Promise<number> =>
    until(60, async () => {
      const { items, coverage } = await lab.list<NodeItem>('nodes');
      const online = items.filter(({ state }) => state === 'online');
      return online.length === 2 && coverage.reporting === 2;
    });
  const bothAre = async (result: 'pass' | 'fail'): Promise<void> => {
    for (const node of NODES) {
      await until(60, async () => (await lab.result(node, 'trust.default-reject')) === result);
    }
  };

  await t.test('the component is applied: two ready, without a volume', async (t) => {
    const from = performance.now();
    await kube.kubectl('apply', '-f', manifests);
    await rolledOut('deploy/nodeseal-aggregator');
    await rolledOut('ds/nodeseal-agent');
    t.comment(`applied and ready after ${Math.round(performance.now() - from)} ms`);
    t.equal(await lab.kubectl('get', 'pvc', '-o', 'name'), '');
    const pods = await aggregators();
    t.same(pods.map(({ node }) => node).toSorted(), [1, 2], 'one on each node');
    await lab.logIn(caFile);
    await bothOnline();
    t.comment(`both nodes online after ${Math.round(performance.now() - from)} ms`);
    const { coverage } = await lab.list('nodes');
    t.match(coverage, { expected: 2, reporting: 2 });
    t.same(coverage.missing, []);
    const [row] = await server.sql(
      server.url('nodeseal'),
      `SELECT count(*)::int AS connections, bool_and(ssl) AS tls,
         count(DISTINCT client_addr)::int AS clients FROM pg_stat_activity
         JOIN pg_stat_ssl USING (pid) WHERE application_name = 'nodeseal-aggregator'`,
    );
    t.match(
      row,
      { connections: Number, tls: true, clients: 2 },
      'both are in the database, by TLS',
    );
  });

  await t.test('one is killed, and the other answers everything', async (t) => {
    const [first] = await aggregators();
    t.ok(first);
    if (first === undefined) return;
    // Nothing takes its place meanwhile.
    await kube.kubectl('cordon', ...NODES);
    const kill = `for p in /proc/[0-9]*; do
      if tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep -q 'dist/aggregator/main[.]js'; then kill -9 \${p#/proc/}; fi
    done`;
    await kube.on(first.node, kill);
    await lab.kubectl('delete', 'pod', first.name, '--grace-period=0', '--force');
    t.comment(`both nodes online at the other after ${await bothOnline()} ms`);
    for (const node of [1, 2]) lab.policy(node, ANYTHING);
    await bothAre('fail');
    for (let asked = 0; asked < 10; asked++) {
      t.match(await lab.list('nodes'), { coverage: { expected: 2, reporting: 2 } });
    }
    everyEventIsThere(t, await lab.events());
    await kube.kubectl('uncordon', ...NODES);
    await rolledOut('deploy/nodeseal-aggregator');
  });

  await t.test('they are rolled over while nodes change, and no event is lost', async (t) => {
    const before = (await lab.events()).length;
    const old = await aggregators();
    await lab.kubectl('rollout', 'restart', 'deploy/nodeseal-aggregator');
    const rolled = rolledOut('deploy/nodeseal-aggregator');
    let [changes, unanswered] = [0, 0];
    for (let isRolling = true; isRolling; changes++) {
      for (const node of [1, 2]) lab.policy(node, changes % 2 === 0 ? REJECT : ANYTHING);
      await lab.list('nodes').catch(() => unanswered++);
      isRolling = await Promise.race([setTimeout(1000, true), rolled.then(() => false)]);
    }
    for (const node of [1, 2]) lab.policy(node, REJECT);
    await bothOnline();
    await bothAre('pass');
    const names = new Set(old.map(({ name }) => name));
    await until(60, async () => (await aggregators()).every(({ name }) => !names.has(name)));
    const items = await lab.events();
    t.comment(
      `${changes} changes, ${items.length - before} events, ${unanswered} questions unanswered`,
    );
    t.ok(items.length >= before + 2, 'what happened meanwhile is told');
    everyEventIsThere(t, items);
  });

  await t.test('all of it is removed, and the database stays', async (t) => {
    await kube.kubectl('delete', '-f', manifests, '--timeout=180s');
    const [row] = await server.sql(
      server.url('nodeseal'),
      `SELECT (SELECT count(*) FROM node)::int AS nodes, (SELECT count(*) FROM replica)::int AS replicas`,
    );
    t.same(row, { nodes: 2, replicas: 0 }, 'each said that it goes');
  });
});
