import type { Coverage, ImageItem, NodeState } from '../../shared/api.ts';
import type { ExportFormat, ExportSource, NodeReport } from '../../shared/exports/source.ts';
import { absenceStatement, type Statement, toStatements } from '../../shared/exports/statement.ts';
import type { RuleResult } from '../../shared/findings.ts';
import { safeText } from '../../shared/safe-text.ts';

export const GENERATED_AT = '2026-11-21T12:00:00.000Z';
export const DATA_AS_OF = '2026-11-21T11:58:00.000Z';

/** Names that do something to terminals, pages, sheets, XML, Markdown or shells. */
export const HOSTILE_NAMES: readonly string[] = [
  '\u001b]0;owned\u0007evil\u202egpj\u009b31m',
  '<script>alert(1)</script>&amp;"\'',
  ']]>\u0000\u0008\ufffe\uffff\ud800',
  '=cmd|calc!A0',
  '[click](javascript:alert(1)) {0} {{ insert: param }}',
  "'; rm -rf / #$(reboot)`id`",
  'שלום\u200f\u2067עולם\u2069',
  'n'.repeat(10_000),
  ' \t\r\n ',
];

export function ruleResult(ruleId: string, change: Partial<RuleResult> = {}): RuleResult {
  return {
    ruleId,
    checkId: ruleId.split('.')[0] ?? ruleId,
    title: `Title of ${ruleId}`,
    result: 'pass',
    severity: 'high',
    message: `message of ${ruleId}`,
    observed: { mode: 'enforcing', count: 3 },
    remediation: { kind: 'MachineConfig', text: 'Set it by a MachineConfig.' },
    mappings: [
      { framework: '800-53', id: 'AC-3(3)(a)', basis: 'derived' },
      { framework: '800-53', id: 'SI-7', basis: 'upstream' },
      { framework: 'CIS', id: '1.2.3', basis: 'derived' },
    ],
    ...change,
  };
}

/** Each outcome once, by the id of its rule. */
export const EVERY_OUTCOME: readonly RuleResult[] = [
  ruleResult('a.pass', { subject: '/etc/selinux/config' }),
  ruleResult('b.fail', { result: 'fail', severity: 'critical', reason: 'permissive' }),
  ruleResult('c.warn', { result: 'fail', severity: 'info' }),
  ruleResult('d.unknown', { result: 'unknown', reason: 'not-visible' }),
  ruleResult('e.error', { result: 'error', reason: 'permission' }),
  ruleResult('f.notapplicable', { result: 'notapplicable', reason: 'no-kubelet', mappings: [] }),
  ruleResult('g.excepted', {
    result: 'notapplicable',
    reason: 'exception',
    override: { oldResult: 'fail', authority: 'alice', remark: 'change 4711', until: '2027-03-31' },
  }),
];

export interface NodeGiven {
  readonly name: string;
  readonly state?: NodeState;
  /** Absent: it never reported. */
  readonly findings?: readonly RuleResult[];
  readonly images?: readonly ImageItem[];
  readonly cause?: string;
}

export const FLEET: readonly NodeGiven[] = [
  { name: 'node-1', findings: EVERY_OUTCOME },
  { name: 'node-2', cause: 'never seen', state: 'expected' },
  {
    name: 'node-3',
    state: 'stale',
    cause: 'stale since yesterday',
    findings: [ruleResult('a.pass')],
  },
];

/** A fleet where everything that a node may name is hostile. */
export const HOSTILE_FLEET: readonly NodeGiven[] = HOSTILE_NAMES.map((name) => ({
  name,
  findings: (['pass', 'fail', 'error'] as const).map((result) =>
    ruleResult(`${result}.${name}`, {
      checkId: name,
      title: name,
      subject: `/${name}`,
      message: name,
      reason: name,
      result,
      observed: { [name]: name },
      remediation: { kind: 'none', text: name },
      mappings: [{ framework: '800-53', id: name, basis: 'derived' }],
    }),
  ),
  images: [image(name, 'rejected', `sha256:${'a'.repeat(64)}`)],
}));

export function image(reference: string, verdict: ImageItem['verdict'], digest: string): ImageItem {
  return {
    node: '',
    imageId: 'abc',
    reference,
    digest,
    policy: '/etc/containers/policy.json',
    verdict,
    signedBy: [],
    scope: 'default',
    requirements: [],
    signatures: [],
    source: 'store',
    pods: [],
  };
}

/** A source as the aggregator makes it, of a fleet in memory. */
export function exportSource(
  nodes: readonly NodeGiven[],
  change: Partial<ExportSource> = {},
): ExportSource {
  const missing = nodes.flatMap(({ name, cause }) =>
    cause === undefined ? [] : [{ node: safeText(name), cause }],
  );
  const coverage: Coverage = {
    expected: nodes.length,
    reporting: nodes.length - missing.length,
    missing,
  };
  return {
    generatedAt: GENERATED_AT,
    version: '1.2.3',
    link: 'https://aggregator.example.com:8443',
    coverage,
    async *findings() {
      for (const node of nodes) {
        const absence = node.cause === undefined ? [] : [absenceStatement(node, node.cause)];
        const { name, state } = node;
        yield report<Statement>(node, [
          ...absence,
          ...toStatements({ name, state }, node.findings ?? []),
        ]);
      }
    },
    async *images() {
      for (const node of nodes) yield report(node, node.images ?? []);
    },
    ...change,
  };
}

function report<Item>(node: NodeGiven, items: readonly Item[]): NodeReport<Item> {
  return {
    name: safeText(node.name),
    pool: 'worker',
    state: node.state ?? 'online',
    lastSeen: node.findings === undefined ? null : GENERATED_AT,
    agentVersion: '1.2.3',
    dataAsOf: node.findings === undefined ? null : DATA_AS_OF,
    ...(node.cause === undefined ? {} : { cause: node.cause }),
    items,
  };
}

export async function exported(format: ExportFormat, source: ExportSource): Promise<string> {
  return (await Array.fromAsync(format.write(source))).join('');
}
