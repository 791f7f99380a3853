/** What a figure was asked to be; of `ours`, in the figure's unit, or of the ratio to the bare one. */
export interface Asked {
  readonly of: 'ours' | 'ratio';
  readonly atMost?: number;
  readonly atLeast?: number;
  readonly issue: number;
  /** The size it was asked for, as `Figure.at` says it; a figure of another size neither holds nor falls short. */
  readonly at?: string;
}

/** What is known of a figure before it is measured. */
export interface Known {
  readonly id: string;
  readonly what: string;
  readonly unit: string;
  /** What it is held against in the same run. */
  readonly bare?: string;
  readonly asked?: Asked;
}

const none = (issue: number): Asked => ({ of: 'ours', atMost: 0, issue });
const most = (atMost: number, issue: number, at?: string): Asked => ({
  ...{ of: 'ours', atMost, issue },
  ...(at === undefined ? {} : { at }),
});
const least = (atLeast: number, issue: number, at?: string): Asked => ({
  ...{ of: 'ours', atLeast, issue },
  ...(at === undefined ? {} : { at }),
});
const ratioMost = (atMost: number, issue: number, at?: string): Asked => ({
  ...{ of: 'ratio', atMost, issue },
  ...(at === undefined ? {} : { at }),
});

const CRYPTO = 'node:crypto, the arithmetic alone';
const WATCH = 'bare fs.watch is told';
const NODE = 'bare node that only waits';
const SOCKETS = 'bare server with as many sockets';
const SAME_BYTES = 'bare HTTP server, the same bytes';
const STORE = '200 images';
const FLEET = '5,000 nodes';
const STORM = '10,000 nodes';

/** Every figure that a program of `npm run figures` tells, in the order of the page. */
export const KNOWN: readonly Known[] = [
  ...[
    {
      id: 'conformance',
      what: 'cases that differ from containers/image',
      unit: '',
      asked: none(9),
    },
    { id: 'differential', what: 'draws judged otherwise than skopeo', unit: '', asked: none(9) },
    { id: 'verify.message', what: 'one stored signature verified', unit: 'µs', bare: CRYPTO },
    { id: 'verify.verdict', what: 'a whole verdict on an image', unit: 'µs', bare: CRYPTO },
    { id: 'verify.openpgp-js', what: 'one signature', unit: 'µs', bare: 'openpgp.js' },
    { id: 'verify.gpgv', what: 'one signature', unit: 'µs', bare: 'a process of gpgv' },
    { id: 'verify.skopeo', what: 'one signature', unit: 'µs', bare: 'a process of skopeo' },
    { id: 'policy.parse', what: 'a policy read', unit: 'ms', bare: 'JSON.parse of it' },
    { id: 'policy.find-scope', what: 'the scope of an image found', unit: 'µs' },
    { id: 'fuzz.failures', what: 'inputs that break a rule', unit: '', asked: none(9) },
    { id: 'fuzz.slowest', what: 'the slowest input, processor', unit: 'ms' },
  ],
  ...[
    {
      ...{ id: 'images.first', what: 'first pass as the agent makes it, processor', unit: 'ms' },
      ...{ bare: 'node:crypto and the files read', asked: ratioMost(2, 4, STORE) },
    },
    {
      ...{ id: 'images.own-thread', what: 'the same, all in a thread made for it', unit: 'ms' },
      bare: 'node:crypto and the files read',
    },
    {
      ...{ id: 'images.second', what: 'second pass, nothing changed, processor', unit: 'ms' },
      ...{ bare: 'node:crypto and the files read', asked: most(5, 4, STORE) },
    },
    {
      ...{ id: 'images.over-skopeo.processor', unit: 'times' },
      what: 'a loop of skopeo copy over our first pass, processor',
      asked: least(300, 4, STORE),
    },
    {
      ...{ id: 'images.over-skopeo.clock', what: 'the same by the clock', unit: 'times' },
      asked: least(300, 4, STORE),
    },
    {
      ...{ id: 'image-memory.peak', what: 'memory above rest in a pass, at most', unit: 'MiB' },
    },
    {
      ...{ id: 'image-memory.after', what: 'memory above rest after the pass', unit: 'MiB' },
      asked: most(8, 4, STORE),
    },
    { id: 'image-memory.after-second', what: 'and after a second pass', unit: 'MiB' },
    { id: 'pull.median', what: 'from a copy to its verdict, median', unit: 'ms', bare: WATCH },
    {
      ...{ id: 'pull.longest', what: 'from a copy to its verdict, longest', unit: 'ms' },
      ...{ bare: WATCH, asked: most(2000, 4) },
    },
    { id: 'stores.stored', what: 'stored images judged otherwise', unit: '', asked: none(4) },
    { id: 'stores.pull', what: 'pulls judged otherwise than skopeo', unit: '', asked: none(4) },
    { id: 'stores.policies', what: 'rehearsals judged otherwise', unit: '', asked: none(7) },
  ],
  ...[
    {
      ...{ id: 'checks.first', what: 'first pass over all rules, processor', unit: 'ms' },
      asked: most(150, 5),
    },
    { id: 'checks.later', what: 'a later pass, processor', unit: 'ms' },
    { id: 'checks.time.aide', what: '`nodeseal check`', unit: 'ms', bare: 'aide, the same /etc' },
    { id: 'checks.memory.aide', what: '`nodeseal check`, peak', unit: 'MiB', bare: 'aide' },
    { id: 'checks.time.oscap', what: '`nodeseal check`', unit: 'ms', bare: 'oscap, six rules' },
    { id: 'checks.memory.oscap', what: '`nodeseal check`, peak', unit: 'MiB', bare: 'oscap' },
    {
      ...{ id: 'idle.memory', what: 'idle agent, connected, resident', unit: 'MiB', bare: NODE },
      asked: ratioMost(1.5, 5),
    },
    { id: 'idle.anonymous', what: 'of it no file’s pages', unit: 'MiB', bare: NODE },
    {
      ...{ id: 'idle.processor', what: 'idle agent, of a core', unit: '%', bare: NODE },
      asked: most(0.2, 5),
    },
    { id: 'idle.alone', what: 'idle agent, not connected, resident', unit: 'MiB', bare: NODE },
    { id: 'change.policy.median', what: 'file edit to finding, median', unit: 'ms', bare: WATCH },
    {
      ...{ id: 'change.policy.p99', what: 'file edit to finding, p99', unit: 'ms', bare: WATCH },
      asked: most(400, 5),
    },
    { id: 'change.mode.median', what: 'mode switched, median', unit: 'ms', bare: WATCH },
    {
      ...{ id: 'change.mode.p99', what: 'mode switched, p99', unit: 'ms', bare: WATCH },
      asked: most(400, 5),
    },
    { id: 'change.poll.median', what: 'the same by polling, median', unit: 'ms' },
    {
      ...{ id: 'change.poll.p99', what: 'the same by polling, p99', unit: 'ms' },
      asked: most(2500, 5),
    },
  ],
  ...[
    {
      ...{ id: 'ingest.durable', what: 'durable events in batches of 50', unit: '/s' },
      ...{ bare: 'bare server: parse, validate, answer' },
      asked: { of: 'ratio', atLeast: 0.5, issue: 6 } as const,
    },
    {
      ...{ id: 'resync.rate', what: 'full state of model nodes', unit: 'nodes/s' },
      asked: least(400, 6, '2,000 nodes'),
    },
    { id: 'resync.processor', what: 'processor a node, all threads', unit: 'ms' },
    {
      ...{ id: 'resync.loop', what: 'delay of the loop, p99', unit: 'ms' },
      asked: most(200, 6),
    },
    { id: 'resync.memory', what: 'resident at the end', unit: 'MiB' },
    { id: 'queries.events', what: 'events that came in meanwhile', unit: '/s' },
    {
      ...{ id: 'queries.findings.median', what: '/v1/findings?limit=500, median', unit: 'ms' },
      bare: SAME_BYTES,
    },
    {
      ...{ id: 'queries.findings.p99', what: '/v1/findings?limit=500, p99', unit: 'ms' },
      ...{ bare: SAME_BYTES, asked: most(50, 6, FLEET) },
    },
    {
      ...{ id: 'queries.metrics.p99', what: '/metrics, p99', unit: 'ms' },
      asked: most(100, 6, FLEET),
    },
    { id: 'queries.nodes.p99', what: '/v1/nodes?limit=500, p99', unit: 'ms' },
    {
      ...{ id: 'sockets.plain.memory', what: 'idle agents, plain', unit: 'MiB', bare: SOCKETS },
      asked: ratioMost(1.5, 6, '10,000 agents'),
    },
    { id: 'sockets.plain.empty', what: 'before any connects', unit: 'MiB', bare: 'bare server' },
    {
      // Asked of 5,000: twice as many must not cost more.
      ...{ id: 'sockets.plain.processor', what: 'idle agents, of a core', unit: '%' },
      ...{ bare: SOCKETS, asked: most(10, 6) },
    },
    {
      ...{ id: 'sockets.certificates.memory', what: 'idle agents, a certificate each' },
      ...{ unit: 'MiB', bare: SOCKETS, asked: ratioMost(1.25, 6, '5,000 agents') },
    },
    {
      ...{ id: 'sockets.certificates.empty', what: 'before any connects', unit: 'MiB' },
      bare: 'bare server',
    },
    {
      ...{ id: 'sockets.certificates.processor', what: 'idle agents, of a core', unit: '%' },
      bare: SOCKETS,
    },
    {
      ...{ id: 'fleet.start.back', what: 'all there and equal after the start', unit: 's' },
      asked: most(120, 6, STORM),
    },
    {
      ...{ id: 'fleet.SIGTERM.back', what: 'the same after a stop', unit: 's' },
      asked: most(120, 6, STORM),
    },
    {
      ...{ id: 'fleet.SIGKILL.back', what: 'the same after a kill', unit: 's' },
      asked: most(120, 6, STORM),
    },
    ...['start', 'steady', 'SIGTERM', 'SIGKILL'].map((phase) => ({
      ...{ id: `fleet.${phase}.loop`, what: `delay of the loop, p99, ${phase}`, unit: 'ms' },
      ...{ bare: 'a process that does nothing' },
      ...(phase === 'steady' ? {} : { asked: most(200, 6, STORM) }),
    })),
    { id: 'fleet.steady.memory', what: 'resident, steady', unit: 'MiB' },
    { id: 'fleet.steady.processor', what: 'steady, of a core', unit: '%' },
    {
      id: 'fleet.difference',
      what: 'events neither there nor declared lost',
      unit: '',
      asked: none(6),
    },
    { id: 'fleet.duplicates', what: 'events stored twice', unit: '', asked: none(6) },
    { id: 'fleet.refused', what: 'attempts answered with a refusal', unit: '' },
    {
      id: 'fault.difference',
      what: 'events neither there nor declared lost',
      unit: '',
      asked: none(9),
    },
    { id: 'fault.duplicated', what: 'events stored twice', unit: '', asked: none(9) },
    { id: 'fault.unaccounted', what: 'numbers no record speaks for', unit: '', asked: none(9) },
  ],
  ...[
    {
      ...{ id: 'simulation.time', what: 'a policy before a fleet', unit: 's' },
      ...{ bare: 'the same answers over bare sockets' },
      asked: most(30, 7, '1,000 nodes, 80 images'),
    },
    { id: 'simulation.progress', what: 'until the first progress is told', unit: 's' },
    { id: 'simulation.loop', what: 'delay of the loop, p99', unit: 'ms' },
    { id: 'simulation.memory', what: 'aggregator, resident', unit: 'MiB', bare: 'before' },
    {
      ...{ id: 'page.kept', what: 'Overview, answer as kept', unit: 'ms', bare: SAME_BYTES },
      asked: most(100, 7, FLEET),
    },
    {
      ...{ id: 'page.anew', what: 'Overview, made anew', unit: 'ms', bare: SAME_BYTES },
      asked: most(100, 7, FLEET),
    },
    {
      ...{ id: 'page.first', what: 'Overview, the very first', unit: 'ms', bare: SAME_BYTES },
      asked: most(100, 7, FLEET),
    },
    {
      ...{ id: 'page.paint', what: 'first paint in Chromium', unit: 'ms', bare: SAME_BYTES },
      asked: most(1000, 7, FLEET),
    },
    { id: 'cli-start.version', what: '`version --client`', unit: 'ms', bare: '`node -e`' },
    {
      ...{
        id: 'cli-start.get-nodes',
        what: '`get nodes`, 50 nodes',
        unit: 'ms',
        bare: '`node -e`',
      },
      asked: ratioMost(2.5, 7),
    },
    {
      ...{ id: 'cli-findings.memory', what: '`get findings`, at most', unit: 'MB' },
      asked: most(150, 7),
    },
    {
      ...{ id: 'exports.time', what: 'an export read to its end', unit: 's' },
      bare: 'the same findings as lists',
    },
    { id: 'exports.memory', what: 'memory above rest, at most', unit: 'MB' },
    { id: 'exports.still', what: 'the loop stood still, at most', unit: 'ms' },
  ],
];

/** Throws for a figure that nobody described. */
export function knownOf(id: string): Known {
  const known = KNOWN.find((one) => one.id === id);
  if (known === undefined) throw new Error(`${id}: no such figure in bench/figures/asked.ts`);
  return known;
}
