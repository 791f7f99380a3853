import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checks } from '../../agent/checks/index.ts';
import { openHost } from '../../agent/host.ts';
import { checkItems } from '../../agent/report.ts';
import { runChecks } from '../../agent/runner.ts';
import { sectionSources } from '../../agent/section-sources.ts';
import { containerFiles } from './container-records.ts';
import { contextAt } from './host-tree.ts';
import { machineConfigOf } from './machine-config.ts';
import type { RecordedNode } from './recorded-fleet.ts';
import { policyOf } from './selinux-policy.ts';
import { manifestOf, OTHER_KEY, pulled, signed, trustFiles } from './signed-images.ts';
import { type Files, storeFiles, writeFiles } from './store-tree.ts';

/**
 * Records the fleet of test/fixtures/fleet: what the agent's own checks and section sources say of some folder trees.
 *
 *   node test/support/record-fleet.ts
 */
const APP = 'registry.example.com/team/app:v1';
const OLD = 'registry.example.com/team/old:v1';
const FOREIGN = 'registry.example.com/team/foreign:v1';
const IMAGES = [
  pulled({ seed: 'app', names: [APP], signatures: [signed(APP, manifestOf('app'))] }),
  pulled({
    seed: 'foreign',
    names: [FOREIGN],
    signatures: [signed(FOREIGN, manifestOf('foreign'), OTHER_KEY)],
  }),
  pulled({ seed: 'old', names: [OLD] }),
];
/** Few enough to be read in a review. */
const CHECKS = checks.filter(({ id }) => ['selinux', 'fips', 'images'].includes(id));

const TRUST = trustFiles();
const MANAGED = {
  '/etc/selinux/config': 'SELINUX=enforcing\nSELINUXTYPE=targeted\n',
  '/etc/containers/policy.json': String(TRUST['/etc/containers/policy.json']),
};

const RHCOS: Files = {
  '/etc/os-release':
    'ID=rhcos\nVERSION_ID="4.18"\nVARIANT_ID=coreos\nPRETTY_NAME="Red Hat Enterprise Linux CoreOS 418.94"\n',
  '/sys/fs/selinux/enforce': '1',
  '/etc/selinux/targeted/policy/policy.33': policyOf(),
  '/proc/sys/crypto/fips_enabled': '1\n',
  '/proc/cmdline': 'fips=1 enforcing=1\n',
  ...TRUST,
  ...MANAGED,
  '/etc/machine-config-daemon/currentconfig': machineConfigOf(MANAGED, { fips: true }),
  ...storeFiles(IMAGES.slice(0, 1)),
  ...containerFiles([{ image: IMAGES[0]?.id ?? '', namespace: 'team', asked: APP }]),
};
const LOOSE = JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] });

const NODES: readonly (readonly [Omit<RecordedNode, 'sections' | 'uid'>, Files])[] = [
  [{ name: 'worker-1', pool: 'worker', seenSecondsAgo: 4, events: [] }, RHCOS],
  [{ name: 'worker-2', pool: 'worker', seenSecondsAgo: 9, events: [] }, RHCOS],
  [
    {
      name: 'worker-3',
      pool: 'worker',
      seenSecondsAgo: 2,
      events: [
        {
          secondsAgo: 9957,
          kind: 'file.changed',
          class: 'high',
          data: { path: '/etc/containers/policy.json', change: 'changed', class: 'managed-drift' },
        },
        {
          secondsAgo: 9950,
          kind: 'finding.changed',
          class: 'high',
          data: {
            ruleId: 'selinux.enforcing',
            was: 'pass',
            now: 'fail',
            message: 'SELinux is permissive',
          },
        },
      ],
    },
    {
      ...RHCOS,
      ...storeFiles(IMAGES),
      '/sys/fs/selinux/enforce': '0',
      '/etc/containers/policy.json': LOOSE,
    },
  ],
  [
    { name: 'worker-4', pool: 'worker', seenSecondsAgo: 6, events: [] },
    { ...RHCOS, '/etc/containers/policy.json': LOOSE },
  ],
  [
    {
      name: 'infra-2',
      pool: 'infra',
      seenSecondsAgo: 840,
      events: [
        { secondsAgo: 86_400, kind: 'agent.started', class: 'low', data: { version: '0.1.0' } },
      ],
    },
    { ...RHCOS, '/proc/sys/crypto/fips_enabled': '0\n' },
  ],
];

async function sectionsOf(files: Files): Promise<RecordedNode['sections']> {
  const root = mkdtempSync(join(tmpdir(), 'nodeseal-record-'));
  writeFiles(root, files);
  const context = contextAt(root);
  const signal = AbortSignal.timeout(60_000);
  const results = await runChecks(CHECKS, context, { signal });
  const sections: Record<string, RecordedNode['sections'][string]> = {
    checks: Object.fromEntries(checkItems(results)),
  };
  for (const { section, collect } of sectionSources) {
    sections[section] = Object.fromEntries(
      await collect({ ...context, host: openHost(root) }, signal),
    );
  }
  rmSync(root, { recursive: true });
  return sections;
}

const nodes: RecordedNode[] = [];
for (const [node, files] of NODES) {
  const number = String(nodes.length + 1).padStart(12, '0');
  const uid = `00000000-0000-4000-8000-${number}`;
  nodes.push({ ...node, uid, sections: await sectionsOf(files) });
}
const path = join(import.meta.dirname, '../fixtures/fleet/fleet.json');
writeFileSync(path, `${JSON.stringify(nodes, undefined, 1)}\n`);
