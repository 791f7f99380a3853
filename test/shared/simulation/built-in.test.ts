import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { BUILT_INS, builtInCandidate } from '../../../shared/simulation/built-in.ts';
import { addRequirements } from '../../../shared/simulation/merge.ts';
import { parsePolicy } from '../../../shared/trust/policy.ts';
import { sharedDir } from '../../support/shared.ts';

const shared = sharedDir();
const skip = shared === undefined && 'needs ../shared/conformance';

t.test('what is built in is what a node gets of the ClusterImagePolicy', { skip }, async (t) => {
  const file = join(shared ?? '', 'conformance/redhat/example-node-policy.json');
  const rendered = parsePolicy(readFileSync(file));
  const { policy, candidate } = builtInCandidate('openshift-4.22');
  t.same(policy.transports.get('docker'), rendered.transports.get('docker'));
  t.equal(candidate.policyMode, 'add');
  t.same(addRequirements(rendered, policy), rendered, 'added to that it changes nothing');
});

t.test('every name has a policy, and others have none', async (t) => {
  for (const name of BUILT_INS) {
    const { policy, warnings } = builtInCandidate(name);
    t.ok(policy.transports.get('docker')?.has('quay.io/openshift-release-dev/ocp-release'), name);
    t.same(warnings, [], name);
  }
  for (const name of ['openshift-4.2', 'OPENSHIFT-4.21', '', '__proto__', 'constructor']) {
    t.throws(() => builtInCandidate(name), { code: 'ERR_CANDIDATE', place: name });
  }
});
