import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { FORMATS } from '../../cli/output/format.ts';
import { displayWidth } from '../../cli/output/width.ts';
import { HOSTILE, runCli } from './fake-io.ts';
import { finding, image } from './fleet.ts';

/** What a node, or somebody between, may say in place of a name. */
const NAMES: readonly (readonly [what: string, name: string])[] = [
  ['terminal escapes', '\u001b]0;owned\u0007\u001b[31mred\u009b2J\u0008\u007f end'],
  ['marks of writing direction', '\u202egpj.\u2066evil\u2069\u200f\u061c end'],
  ['line ends', 'one\r\ntwo\u2028three\u0085 end'],
  ['HTML', '<script>alert("x")</script>&amp;<img src=x onerror=y> end'],
  ['10,000 characters', `${'node'.repeat(2500)} end`],
  ['10,000 wide characters', `${'ノード群'.repeat(2500)} end`],
  ['a formula', '=HYPERLINK("http://x","y") end'],
  ['a formula behind a plus', '+1+cmd|x end'],
  ['a formula behind a minus', '-1+cmd|x end'],
  ['a formula behind an at sign', '@SUM(A1) end'],
  ['a formula behind a tab', '\t=1 end'],
  ['a formula behind a carriage return', '\r=1 end'],
];

const results = { pass: 1, fail: 1, error: 0, unknown: 0, notapplicable: 0, notchecked: 0 };
const images = { accepted: 1, unenforced: 0, rejected: 0, unknown: 0 };
const at = '2026-11-21T11:00:00.000Z';

/** One item of each type, in which every text is the name. */
const ITEMS: Readonly<Record<string, readonly [kind: string, of: (name: string) => object]>> = {
  nodes: [
    'NodeList',
    (name) => {
      const node = { name, uid: name, pool: name, state: 'online', results, worst: 'fail' };
      return { ...node, drift: 0, images, lastSeen: at, agentVersion: name };
    },
  ],
  findings: [
    'FindingList',
    (name) => {
      const said = { result: 'fail', subject: name, reason: name, message: name } as const;
      return { ...finding(name, said), node: name };
    },
  ],
  images: [
    'ImageVerdictList',
    (name) => ({ ...image(name, { scope: name, signedBy: [name] }), node: name }),
  ],
  drift: [
    'DriftList',
    (name) => ({ node: name, path: name, class: 'managed-drift', sha256: null, mode: null }),
  ],
  events: [
    'EventList',
    (name) => {
      const place = { node: name, epoch: name, sequence: 1, at, receivedAt: at };
      return { ...place, kind: name, class: 'high', data: { [name]: name } };
    },
  ],
  checks: [
    'CheckList',
    (name) => {
      const rule = { ruleId: name, checkId: name, title: name, severity: 'high' };
      const remediation = { kind: 'none', text: name };
      const mappings = [{ framework: name, id: name, basis: 'upstream' }];
      return { ...rule, nodes: results, worst: 'fail', remediation, mappings };
    },
  ],
  policies: [
    'PolicyList',
    (name) => {
      const policy = { path: name, default: [{ type: name }] };
      const nodes = { nodes: [name], pools: [name], majorityOf: [name], outliers: [name] };
      return { digest: name, ...nodes, policy };
    },
  ],
};

t.test('hostile names are harmless in every format of every type', async (t) => {
  let name = '';
  const server = createServer((request, response) => {
    const type = new URL(request.url ?? '', 'http://localhost').pathname.replace('/v1/', '');
    const [kind, itemOf] = ITEMS[type] ?? ['', () => ({})];
    const coverage = { expected: 2, reporting: 1, missing: [{ node: name, cause: name }] };
    const list = { apiVersion: 'nodeseal.dev/v1', kind, items: [itemOf(name)], coverage };
    response.end(JSON.stringify(list));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A server that listens on a port has this kind of address.
  const { port } = server.address() as AddressInfo;
  for (const [what, hostile] of NAMES) {
    name = hostile;
    const faults: string[] = [];
    for (const type of Object.keys(ITEMS)) {
      for (const format of FORMATS) {
        for (const isTerminal of [true, false]) {
          const words = ['get', type, '-o', format, '--server', `http://127.0.0.1:${port}`];
          const { exit, stdout, stderr } = await runCli(words, { isTerminal });
          const fault = faultOf(stdout, format, isTerminal);
          if (exit !== 0)
            faults.push(`${type} as ${format}: exit ${exit}: ${stderr.slice(0, 200)}`);
          if (fault !== undefined) faults.push(`${type} as ${format}: ${fault}`);
          if (HOSTILE.test(stderr)) faults.push(`${type}: what is said beside it is not harmless`);
        }
      }
    }
    t.same(faults, [], what);
  }
  server.close();
  server.closeAllConnections();
});

/** What is wrong with an output; the whole of a name is in every format that does not cut it. */
function faultOf(stdout: string, format: string, isTerminal: boolean): string | undefined {
  const lines = stdout.trimEnd().split('\n');
  if (HOSTILE.test(stdout)) return 'something a terminal acts upon';
  const isCut = isTerminal && (format === 'table' || format === 'wide');
  if (!isCut && !stdout.includes('end')) return 'the name is not whole';
  if (format === 'table' || format === 'wide' || format === 'csv') {
    if (lines.length !== 2) return `${lines.length} lines in place of headers and one row`;
  }
  const widest = Math.max(...lines.map(displayWidth));
  if (isTerminal && format === 'table' && widest > 80) return `${widest} columns`;
  const cells = format === 'csv' ? (lines[1] ?? '').split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/) : [];
  const formula = cells.find((cell) => /^"?[=+\-@\t\r]/.test(cell));
  return formula === undefined ? undefined : `a formula: ${formula.slice(0, 40)}`;
}
