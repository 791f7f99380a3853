// One piece: list and watch of one API server, and every way that they end.
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ExpectedNode, ExpectedSink } from '../../../aggregator/coverage/expected.ts';
import { KubernetesNodes } from '../../../aggregator/coverage/kubernetes-nodes.ts';
import { type Clock, systemClock } from '../../../shared/clock.ts';
import { keptLog } from '../../support/aggregator.ts';
import { freePort } from '../../support/free-port.ts';
import { NODES_TOKEN, NodesServer, nodeObject } from '../../support/nodes-server.ts';

/** Keeps what it was told, and wakes who waits for it. */
class Sink implements ExpectedSink {
  nodes: readonly ExpectedNode[] = [];
  readonly goneUids: string[] = [];
  #wake = Promise.withResolvers<void>();

  listed(_source: string, nodes: readonly ExpectedNode[]): void {
    this.nodes = nodes;
    this.#told();
  }
  gone(uids: readonly string[]): void {
    this.goneUids.push(...uids);
    this.#told();
  }
  get names(): string {
    return this.nodes
      .map(({ name, conditions = [] }) => [name, ...conditions].join('+'))
      .sort()
      .join(' ');
  }
  async until(names: string): Promise<void> {
    while (this.names !== names) await this.#wake.promise;
  }
  #told(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}

interface Rig extends AsyncDisposable {
  readonly server: NodesServer;
  readonly sink: Sink;
  readonly log: ReturnType<typeof keptLog>;
  readonly keptFile: string;
  readonly clock: Clock & { aheadMs: number };
  start(): Promise<KubernetesNodes>;
}

async function rig(t: Test, port = 0): Promise<Rig> {
  const server = await NodesServer.start(port);
  const folder = t.testdir({ token: `${NODES_TOKEN}\n`, 'ca.crt': server.ca });
  const [caFile, tokenFile] = [join(folder, 'ca.crt'), join(folder, 'token')];
  const [sink, log, keptFile] = [new Sink(), keptLog(), join(folder, 'kept.json')];
  const running: KubernetesNodes[] = [];
  const clock = {
    aheadMs: 0,
    nowMs: () => systemClock.nowMs(),
    monotonicMs(): number {
      return this.aheadMs + systemClock.monotonicMs();
    },
  };
  return {
    server,
    sink,
    log,
    keptFile,
    clock,
    async start() {
      const nodes = await KubernetesNodes.start({
        api: { url: server.url, caFile, tokenFile, pool: 'cluster' },
        keptFile,
        sink,
        log,
        clock,
        random: () => 0,
        retryMs: 20,
      });
      running.push(nodes);
      return nodes;
    },
    async [Symbol.asyncDispose]() {
      for (const nodes of running) await nodes[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const isWatch = (url: URL): boolean => url.searchParams.has('watch');
const isList = (url: URL): boolean => !isWatch(url);

t.test('the nodes of a cluster are listed, then followed', async (t) => {
  await using r = await rig(t);
  const { server, sink } = r;
  server.set(nodeObject('master-0'));
  server.set(nodeObject('worker-0', { ready: 'Unknown' }));
  server.set(nodeObject('worker-1', { ready: 'False', unschedulable: true }));
  const watching = server.next(isWatch);
  const nodes = await r.start();
  await watching;
  t.equal(sink.names, 'master-0 worker-0+node not ready worker-1+node not ready+cordoned');
  t.match(sink.nodes[0], { uid: 'uid-of-master-0', pool: 'cluster' });
  t.equal(server.requests[0]?.searchParams.get('labelSelector'), 'kubernetes.io/os=linux');

  server.set(nodeObject('worker-2'));
  await sink.until('master-0 worker-0+node not ready worker-1+node not ready+cordoned worker-2');
  server.set(nodeObject('worker-0'));
  server.remove('worker-1');
  await sink.until('master-0 worker-0 worker-2');
  t.same(sink.goneUids, ['uid-of-worker-1']);
  t.match(nodes.status(), { source: 'kubernetes', nodes: 3, reason: undefined });
  t.equal(server.requests.filter(isList).length, 1, 'by watching, not by asking again');
});

t.test('a cluster of more nodes than a page holds is listed whole', async (t) => {
  await using r = await rig(t);
  for (let index = 0; index < 601; index++) r.server.set(nodeObject(`worker-${index}`));
  const watching = r.server.next(isWatch);
  await r.start();
  await watching;
  t.equal(r.sink.nodes.length, 601);
  t.equal(r.server.requests.filter(isList).length, 3);
});

t.test('a page that fails in the middle of a list changes nothing', async (t) => {
  await using r = await rig(t);
  const { server, sink } = r;
  for (let index = 0; index < 300; index++) server.set(nodeObject(`worker-${index}`));
  let watching = server.next(isWatch);
  await r.start();
  await watching;
  server.forget();
  server.instead = (request, response) => {
    const isSecond = request.url?.includes('continue=') === true;
    const items = Array.from({ length: 250 }, (_, index) => nodeObject(`worker-${index}`));
    const metadata = { resourceVersion: '5000', continue: 'more' };
    if (isSecond) response.destroy();
    else response.end(JSON.stringify({ metadata, items }));
  };
  const second = server.next((url) => url.searchParams.has('continue'));
  server.endWatches('cut');
  await second;
  t.equal(sink.nodes.length, 300);
  watching = server.next(isWatch);
  server.instead = undefined;
  await watching;
  t.equal(sink.nodes.length, 300);
});

t.test('a watch that ends goes on where it was', async (t) => {
  await using r = await rig(t);
  const { server, sink } = r;
  server.set(nodeObject('worker-0'));
  let watching = server.next(isWatch);
  await r.start();
  await watching;
  server.set(nodeObject('worker-1'));
  await sink.until('worker-0 worker-1');
  server.bookmark();
  // Long enough that it is no watch that ends at once.
  r.clock.aheadMs += 60_000;
  watching = server.next(isWatch);
  server.endWatches('end');
  const url = await watching;
  t.equal(url.searchParams.get('resourceVersion'), '1002', 'from the bookmark on');
  server.set(nodeObject('worker-2'));
  await sink.until('worker-0 worker-1 worker-2');
  t.equal(server.requests.filter(isList).length, 1);
});

t.test('a watch of what the server has forgotten begins with a new list', async (t) => {
  await using r = await rig(t);
  const { server, sink } = r;
  server.set(nodeObject('worker-0'));
  server.set(nodeObject('worker-1'));
  const watching = server.next(isWatch);
  await r.start();
  await watching;
  server.endWatches('cut');
  server.remove('worker-1');
  server.forget();
  await sink.until('worker-0');
  t.same(sink.goneUids, ['uid-of-worker-1'], 'a node that went unseen is gone too');
});

const troubles: readonly (readonly [string, (response: ServerResponse) => void, RegExp])[] = [
  [
    'forbids',
    (response) =>
      response.writeHead(403).end(JSON.stringify({ message: 'nodes is forbidden: User "x"' })),
    /found 403: nodes is forbidden/,
  ],
  ['is broken', (response) => response.writeHead(500).end('<html>'), /found 500$/],
  ['answers rubbish', (response) => response.end('<html>'), /expected JSON/],
  [
    'answers another thing',
    (response) => response.end('{"kind":"PodList"}'),
    /a NodeList: metadata/,
  ],
  ['answers nothing', (response) => response.end(), /expected JSON/],
  ['closes', (response) => response.destroy(), /socket hang up/],
  [
    'is cut off',
    (response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"items":[');
      setImmediate(() => response.destroy());
    },
    /aborted/,
  ],
  [
    'names a node that cannot be',
    (response) => {
      const items = [nodeObject('../../etc')];
      response.end(JSON.stringify({ metadata: { resourceVersion: '1' }, items }));
    },
    /a Node: metadata\.name/,
  ],
];
for (const [name, answer, reason] of troubles) {
  t.test(`an API server that ${name} leaves the list as it was and says why`, async (t) => {
    await using r = await rig(t);
    const kept = { asOfMs: 1000, nodes: [{ name: 'worker-0', uid: 'u', pool: 'p' }] };
    writeFileSync(r.keptFile, JSON.stringify(kept));
    r.server.instead = (_request, response) => answer(response);
    const nodes = await r.start();
    await r.server.next();
    await r.server.next();
    t.equal(r.sink.names, 'worker-0');
    t.match(nodes.status(), { nodes: 1, asOfMs: 1000, reason });
    t.equal(r.log.lines.length, 1, 'says so once');
    r.server.set(nodeObject('worker-1'));
    r.server.instead = undefined;
    await r.sink.until('worker-1');
    t.equal(nodes.status().reason, undefined, 'and goes on when it is over');
  });
}

t.test('a watch that says what cannot be read is begun anew', async (t) => {
  for (const line of ['rubbish\n', '{"type":"WHAT","object":{}}\n', '{"type":"ADDED"}\n', '[]\n']) {
    await using r = await rig(t);
    r.server.set(nodeObject('worker-0'));
    const watching = r.server.next(isWatch);
    await r.start();
    await watching;
    const again = r.server.next(isWatch);
    r.server.say(line);
    await again;
    t.equal(r.server.requests.filter(isList).length, 2, JSON.stringify(line));
    t.equal(r.sink.names, 'worker-0');
  }
});

t.test(
  'the list survives the API server and our own restart, and says how old it is',
  async (t) => {
    const port = await freePort();
    const r = await rig(t, port);
    r.server.set(nodeObject('worker-0', { ready: 'False' }));
    const watching = r.server.next(isWatch);
    const first = await r.start();
    await watching;
    await first[Symbol.asyncDispose]();
    t.equal(statSync(r.keptFile).mode & 0o777, 0o600);
    const { asOfMs } = JSON.parse(readFileSync(r.keptFile, 'utf8'));
    await r.server[Symbol.asyncDispose]();
    r.sink.listed('', []);
    const second = await r.start();
    t.equal(r.sink.names, 'worker-0+node not ready');
    t.equal(second.status().asOfMs, asOfMs);
    while (second.status().reason === 'not asked yet') {
      await new Promise((resolve) => setImmediate(resolve));
    }
    t.match(second.status().reason, /ECONNREFUSED/);
    await second[Symbol.asyncDispose]();
  },
);

t.test('a list that is damaged on disk is none', async (t) => {
  for (const text of [
    '',
    '{',
    '[]',
    '{"asOfMs":1,"nodes":[{"name":"../x","pool":"p"}]}',
    '\0\xff',
  ]) {
    await using r = await rig(t);
    writeFileSync(r.keptFile, text);
    r.server.set(nodeObject('worker-0'));
    const watching = r.server.next(isWatch);
    await r.start();
    await watching;
    t.equal(r.sink.names, 'worker-0');
  }
});

t.test('a server of another authority, or without our token, is not believed', async (t) => {
  await using r = await rig(t);
  await using other = await NodesServer.start();
  other.set(nodeObject('evil'));
  const folder = t.testdir({ token: 'wrong', 'ca.crt': r.server.ca, 'their.crt': other.ca });
  const common = { sink: r.sink, log: r.log, clock: systemClock, random: () => 0, retryMs: 20 };
  const api = { pool: 'p', tokenFile: join(folder, 'token'), caFile: join(folder, 'ca.crt') };
  for (const [url, caFile, reason] of [
    [other.url, api.caFile, /self.signed|unable to|certificate/i],
    [other.url, join(folder, 'their.crt'), /found 401: Refused/],
    [other.url, join(folder, 'missing.crt'), /ENOENT/],
  ] as const) {
    await using nodes = await KubernetesNodes.start({
      ...common,
      api: { ...api, url, caFile },
      keptFile: join(folder, 'none.json'),
    });
    while (nodes.status().reason === 'not asked yet') {
      await new Promise((resolve) => setImmediate(resolve));
    }
    t.match(nodes.status().reason, reason);
    t.equal(r.sink.names, '');
  }
});
