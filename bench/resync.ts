/**
 * A fleet that comes back to an empty aggregator: every node connects, sends its whole state and waits until the
 * aggregator has recomputed every hash and committed. Prints nodes per second, and what the aggregator's event loop
 * and memory went through meanwhile. The frames are made before: the nodes of a fleet do not share a processor with
 * their aggregator.
 *
 *   node bench/resync.ts [--nodes 500] [--concurrency 50]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
import { configSchema } from '../aggregator/config.ts';
import { startAggregator } from '../aggregator/daemon.ts';
import { TokenAuthority } from '../aggregator/identity/tokens.ts';
import type { Json } from '../shared/canonical.ts';
import { systemClock } from '../shared/clock.ts';
import { parseConfig } from '../shared/config.ts';
import { encodeFrame, readAggregatorFrame } from '../shared/frames.ts';
import { createLogger } from '../shared/log.ts';
import { PROTOCOL, WS_OPTIONS } from '../shared/protocol.ts';
import type { SectionName } from '../shared/report.ts';
import { helloFrame, state } from '../test/support/agent-client.ts';
import { counted, tell } from './figure.ts';

const CHECKS = 120;
const IMAGES = 80;
const FILES = 400;

interface Target {
  readonly url: string;
  readonly tokens: readonly string[];
}
interface Figures {
  /** Of all threads of the aggregator. */
  readonly processorSeconds: number;
  readonly loopDelayP99Ms: number;
  readonly loopDelayMaxMs: number;
  readonly rssMiB: number;
  readonly databaseMiB: number;
}

/** The state of one model node; nodes differ in a few items, as nodes of one pool do. */
function model(node: number): readonly (readonly [SectionName, ReadonlyMap<string, Json>])[] {
  const digest = (n: number): string => `sha256:${n.toString(16).padStart(64, '0')}`;
  const checks = Array.from({ length: CHECKS }, (_, index): [string, Json] => [
    `check.rule-${index}`,
    {
      ruleId: `check.rule-${index}`,
      checkId: 'check',
      title: 'SELinux is enforcing now and after the next boot',
      result: (node + index) % 40 === 0 ? 'fail' : 'pass',
      severity: 'high',
      message: 'the mode is enforcing, asked for was enforcing',
      observed: { current: 'enforcing', configured: 'enforcing', node },
      remediation: { kind: 'MachineConfig', text: 'Set SELINUX=enforcing by a MachineConfig.' },
      mappings: [{ framework: 'CIS', id: `1.6.${index}`, basis: 'upstream' }],
    },
  ]);
  const images = Array.from({ length: IMAGES }, (_, index): [string, Json] => [
    digest(index),
    {
      imageId: digest(index).slice(7),
      reference: `registry.example.com/team-${index % 7}/app-${index}:1.${node % 3}`,
      digest: digest(index),
      verdict: index % 20 === 0 ? 'rejected' : 'accepted',
      signedBy: ['0123456789ABCDEF0123456789ABCDEF01234567'],
      scope: 'docker "registry.example.com"',
      requirements: [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/etc/pki/release.gpg' }],
      signatures: [
        { index: 0, accepted: true, signer: '0123456789ABCDEF0123456789ABCDEF01234567' },
      ],
      source: 'lookaside',
      pods: [{ namespace: `ns-${index % 9}`, pod: `app-${index}-${node}`, container: 'app' }],
    },
  ]);
  const files = Array.from({ length: FILES }, (_, index): [string, Json] => [
    `/etc/containers/registries.d/file-${index}.yaml`,
    {
      path: `/etc/containers/registries.d/file-${index}.yaml`,
      sha256: digest(index),
      mode: 420,
      uid: 0,
      gid: 0,
      class: index % 100 === 0 ? 'managed-drift' : 'managed',
      manager: 'rendered-worker-0123456789abcdef',
    },
  ]);
  return [
    ['checks', new Map(checks)],
    ['images', new Map(images)],
    ['files', new Map(files)],
  ];
}

async function measure(): Promise<void> {
  const { values } = parseArgs({
    options: {
      nodes: { type: 'string', default: '500' },
      concurrency: { type: 'string', default: '50' },
    },
  });
  const nodes = Number(values.nodes);
  const server = fork(import.meta.filename, ['aggregator', String(nodes)]);
  const [target] = (await once(server, 'message')) as [Target];
  const frames = target.tokens.map((_, node) => framesOf(node));
  const startedMs = performance.now();
  let next = 0;
  let bytes = 0;
  const worker = async (): Promise<void> => {
    while (next < nodes) {
      const node = next++;
      const sent = await resync(target.url, target.tokens[node] ?? '', frames[node] ?? []);
      bytes += sent;
    }
  };
  await Promise.all(Array.from({ length: Number(values.concurrency) }, worker));
  const seconds = (performance.now() - startedMs) / 1000;
  server.send('stop');
  const [figures] = (await once(server, 'message')) as [Figures];
  await once(server, 'exit');
  const report = {
    nodes,
    items: CHECKS + IMAGES + FILES,
    seconds: Number(seconds.toFixed(1)),
    nodesPerSecond: Math.round(nodes / seconds),
    wireKiBPerNode: Math.round(bytes / nodes / 1024),
    // Beside it the driver of the load has its own, on the same processors.
    processorMsPerNode: Number(((figures.processorSeconds / nodes) * 1000).toFixed(2)),
    ...figures,
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  const at = counted(nodes, 'nodes');
  tell(
    { id: 'resync.rate', at, ours: nodes / seconds },
    { id: 'resync.processor', at, ours: (figures.processorSeconds * 1000) / nodes },
    { id: 'resync.loop', at, ours: figures.loopDelayP99Ms },
    { id: 'resync.memory', at, ours: figures.rssMiB },
  );
}

async function resync(url: string, token: string, frames: readonly Buffer[]): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  const socket = new WebSocket(url, PROTOCOL, { ...WS_OPTIONS, headers });
  await once(socket, 'open');
  const host = { name: 'bench', machineId: token, bootId: 'b' };
  socket.send(encodeFrame(helloFrame({ host })));
  await once(socket, 'message');
  let bytes = 0;
  let left = frames.length;
  const { promise: applied, resolve, reject } = Promise.withResolvers<void>();
  socket.on('message', (data: Buffer) => {
    const frame = readAggregatorFrame(data);
    if (frame.type === 'stateApplied' && --left === 0) resolve();
    if (frame.type === 'error' || frame.type === 'stateNeeded') {
      reject(new Error(JSON.stringify(frame)));
    }
  });
  for (const frame of frames) {
    bytes += frame.length;
    socket.send(frame);
  }
  await applied;
  socket.terminate();
  return bytes;
}

function framesOf(node: number): readonly Buffer[] {
  return model(node).map(([section, items]) => encodeFrame(state(section, items)));
}

async function serve(nodes: number): Promise<void> {
  const stateDir = await mkdtemp(join(tmpdir(), 'nodeseal-bench-'));
  const log = createLogger({ program: 'bench', level: 'error', fd: 2 });
  const authority = await TokenAuthority.open(stateDir, systemClock, log);
  const tokens = [];
  for (let node = 0; node < nodes; node++) {
    tokens.push(
      (await readFile(await authority.ensureAgent(`node-${node}`, 'bench'), 'utf8')).trim(),
    );
  }
  const defaults = parseConfig('', 'bench', configSchema);
  const listen = { ...defaults.listen, port: 0 };
  const aggregator = await startAggregator({ ...defaults, listen, stateDir }, { log });
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const before = process.cpuUsage();
  process.send?.({ url: `${aggregator.url.replace('http', 'ws')}/v1/agent`, tokens });
  await once(process, 'message');
  const { user, system } = process.cpuUsage(before);
  const figures: Figures = {
    processorSeconds: Number(((user + system) / 1e6).toFixed(2)),
    loopDelayP99Ms: Math.round(delay.percentile(99) / 1e6),
    loopDelayMaxMs: Math.round(delay.max / 1e6),
    rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
    databaseMiB: Math.round((await aggregator.store.sizeBytes()) / 2 ** 20),
  };
  await aggregator[Symbol.asyncDispose]();
  await rm(stateDir, { recursive: true });
  process.send?.(figures, () => process.exit());
}

if (process.argv[2] === 'aggregator') await serve(Number(process.argv[3]));
else await measure();
