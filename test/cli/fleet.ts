import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json } from '../../shared/canonical.ts';
import type { RuleResult } from '../../shared/findings.ts';
import { findingKey } from '../../shared/findings.ts';
import type { ImageVerdict } from '../../shared/images.ts';
import { AgentClient, event, helloFrame } from '../support/agent-client.ts';
import { type RunningAggregator, runAggregator } from '../support/aggregator.ts';

/** What a terminal would act upon, as names that a node may report. */
export const HOSTILE_NAME = '\u001b]0;owned\u0007evil\u202egpj\u009b31m';

export function finding(ruleId: string, change: Partial<RuleResult> = {}): RuleResult {
  return {
    ruleId,
    checkId: ruleId.split('.')[0] ?? ruleId,
    title: `title of ${ruleId}`,
    result: 'pass',
    severity: 'high',
    message: `message of ${ruleId}`,
    observed: {},
    remediation: { kind: 'none', text: 'nothing' },
    mappings: [],
    ...change,
  };
}

export function image(reference: string, change: Partial<ImageVerdict> = {}): ImageVerdict {
  return {
    imageId: '0123456789abcdef'.repeat(4),
    reference,
    digest: `sha256:${'77aa'.repeat(16)}`,
    policy: '/etc/containers/policy.json',
    verdict: 'accepted',
    signedBy: [],
    scope: 'default',
    requirements: [],
    signatures: [],
    source: 'store',
    pods: [],
    ...change,
  };
}

export const FINDINGS: readonly RuleResult[] = [
  finding('selinux.enforcing', { result: 'fail', severity: 'critical', reason: 'permissive' }),
  finding('fips.kernel', { result: 'unknown', severity: 'medium', reason: 'not-visible' }),
  finding('seccomp.default', { subject: '/etc/kubernetes/kubelet.conf' }),
];
export const IMAGES: readonly ImageVerdict[] = [
  image('quay.io/team/app:v1', { signedBy: ['ABCDEF'] }),
  image('quay.io/team/old:v1', { verdict: 'rejected', reason: 'no-signature', source: 'none' }),
];

export interface Fleet extends AsyncDisposable {
  readonly running: RunningAggregator;
  readonly agent: AgentClient;
  /** The flags of a fleet command, with the administrator's token. */
  readonly flags: readonly string[];
}

/** A real aggregator with the node `node-1`, which sent findings, images, a file, a policy and events over a socket. */
export async function runFleet(
  folder: string,
  findings: readonly RuleResult[] = FINDINGS,
  images: readonly ImageVerdict[] = IMAGES,
  inventory: readonly { readonly name: string; readonly pool: string }[] = [],
): Promise<Fleet> {
  const running = await runAggregator(folder, { inventory });
  const hello = helloFrame({
    spool: { epoch: 'epoch-1', first: 1, next: 4, bytes: 0, lost: 0 },
  });
  const agent = await AgentClient.connect(running.url, running.agentToken, hello);
  const send = async (
    section: 'checks' | 'images' | 'files' | 'trust' | 'host',
    items: readonly (readonly [string, unknown])[],
  ): Promise<void> => {
    // What these tests send is JSON.
    agent.send(agent.full(section, new Map(items as readonly (readonly [string, Json])[])));
    await agent.next('stateApplied', (frame) => frame.section === section);
  };
  await send(
    'checks',
    findings.map((one) => [findingKey(one), { ...one }]),
  );
  await send(
    'images',
    images.map((one) => [`${one.imageId} ${one.reference}`, { ...one }]),
  );
  await send('host', [['os', { id: 'rhcos', version: '4.18' }]]);
  await send('trust', [
    ['policy', { path: '/etc/containers/policy.json', default: [{ type: 'reject' }], scopes: [] }],
  ]);
  await send('files', [
    [
      '/etc/containers/policy.json',
      {
        path: '/etc/containers/policy.json',
        class: 'managed-drift',
        sha256: `sha256:${'1'.repeat(64)}`,
        mode: 0o644,
        expectedSha256: `sha256:${'2'.repeat(64)}`,
        manager: '99-policy',
      },
    ],
  ]);
  agent.send({
    type: 'events',
    epoch: 'epoch-1',
    items: [event(1), event(2, { kind: 'rule.changed' }), event(3, { class: 'low' })],
  });
  await agent.next('ack', (ack) => ack.sequence === 3);
  const tokenFile = join(folder, 'cli.token');
  await writeFile(tokenFile, `${running.adminToken}\n`);
  return {
    running,
    agent,
    flags: ['--server', running.url, '--token-file', tokenFile],
    async [Symbol.asyncDispose]() {
      await agent.close();
      await running[Symbol.asyncDispose]();
    },
  };
}
