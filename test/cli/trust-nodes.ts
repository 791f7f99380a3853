import type { RuleResult } from '../../shared/findings.ts';
import {
  ANYTHING,
  manifestOf,
  POLICY,
  pulled,
  signed,
  trustFiles,
} from '../support/signed-images.ts';
import { type Files, storeFiles } from '../support/store-tree.ts';
import { finding } from './fleet.ts';
import { NodeFleet } from './node-fleet.ts';

/** The image that every node of the pool `worker` holds. */
export const APP = 'registry.example.com/team/app:v1';
const APP_MANIFEST = manifestOf('app');
const app = pulled({ seed: 'app', names: [APP], signatures: [signed(APP, APP_MANIFEST)] });
const unsigned = pulled({ seed: 'app', names: [APP] });
const open = pulled({ seed: 'ok', names: ['any.example.com/ok:v1'] });
const nobodys = pulled({ seed: 'old', names: ['quay.io/team/old:v1'] });

/** Signatures by mirror and host; all on the node's own disk, so that what is missing is missing. */
const PLACES: Files = {
  '/etc/containers/registries.conf':
    '[[registry]]\nlocation = "registry.example.com"\n[[registry.mirror]]\nlocation = "mirror.example.net/x"\n',
  '/etc/containers/registries.d/a.yaml':
    'docker:\n  mirror.example.net:\n    lookaside: file:///srv/sigs\n',
};

export const OPENED: typeof POLICY = {
  ...POLICY,
  transports: {
    docker: { ...POLICY.transports['docker'], 'registry.example.com/team': ANYTHING },
  },
};

/** A node as most are. */
export const ORDINARY: Files = {
  ...trustFiles(),
  ...storeFiles([app]),
  ...PLACES,
  '/etc/os-release': 'ID=rhcos\nVERSION_ID=4.18\n',
};
export const PASSING: readonly RuleResult[] = [
  finding('selinux.enforcing'),
  finding('fips.kernel-enabled'),
];
export const DAYS_AGO_3: string = new Date(Date.now() - 3 * 86_400_000).toISOString();
const FAILING: readonly RuleResult[] = [
  finding('selinux.enforcing', {
    result: 'fail',
    severity: 'critical',
    observed: { mode: 'permissive' },
    expected: { mode: 'enforcing' },
  }),
  finding('fips.kernel-enabled', {
    result: 'notapplicable',
    reason: 'exception',
    override: { oldResult: 'fail', authority: 'alice', remark: 'old CPU', until: '2027-03-31' },
  }),
];

/**
 * Nodes of the pool worker: worker-1 and worker-2 alike but for the text of the policy, worker-3 with a policy opened for
 * one scope, another system and a failing rule, worker-4 like the first without a signature of the image; infra-1, a pool
 * of its own that rejects an image; gpu-7, which never reported.
 */
export async function runTrustNodes(folder: string): Promise<NodeFleet> {
  const fleet = await NodeFleet.start(folder, [{ name: 'gpu-7', pool: 'gpu' }]);
  await fleet.add('worker-1', 'worker', { files: ORDINARY, findings: PASSING });
  const spaced = trustFiles(JSON.stringify(POLICY, null, 2));
  await fleet.add('worker-2', 'worker', { files: { ...ORDINARY, ...spaced }, findings: PASSING });
  await fleet.add('worker-3', 'worker', {
    files: {
      ...ORDINARY,
      ...trustFiles(OPENED),
      '/etc/os-release': 'ID=rhcos\nVERSION_ID=4.19\n',
    },
    findings: FAILING,
    events: [
      { kind: 'finding.changed', at: DAYS_AGO_3, data: changed('pass', 'fail') },
      // Another reason is no beginning.
      { kind: 'finding.changed', data: changed('fail', 'fail') },
    ],
  });
  const files = { ...ORDINARY, ...storeFiles([unsigned]) };
  await fleet.add('worker-4', 'worker', { files, findings: PASSING });
  const infra = { ...trustFiles(), ...storeFiles([nobodys, open]) };
  await fleet.add('infra-1', 'infra', { files: infra });
  return fleet;
}

function changed(was: string, now: string): { readonly [name: string]: string } {
  return { ruleId: 'selinux.enforcing', was, now };
}
