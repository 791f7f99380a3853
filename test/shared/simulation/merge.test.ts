import t from 'tap';
import { addRequirements } from '../../../shared/simulation/merge.ts';
import { parsePolicy } from '../../../shared/trust/policy.ts';
import type { Policy } from '../../../shared/trust/policy-types.ts';

const accept = { type: 'insecureAcceptAnything' };
const reject = { type: 'reject' };
const signed = (keyPath: string) => ({ type: 'sigstoreSigned', keyPath });

function policy(docker: Readonly<Record<string, readonly object[]>>, fallback = accept): Policy {
  return parsePolicy(JSON.stringify({ default: [fallback], transports: { docker } }));
}

const CASES: readonly (readonly [string, readonly object[] | undefined, readonly object[]])[] = [
  ['to a scope that was not there', undefined, [signed('/new')]],
  ['to an acceptance, which is left out', [accept], [signed('/new')]],
  ['to another key, which is asked for too', [signed('/old')], [signed('/old'), signed('/new')]],
  ['to the same, where nothing changes', [signed('/new')], [signed('/new')]],
  ['to a refusal, which stays one', [reject], [reject, signed('/new')]],
];
for (const [name, before, after] of CASES) {
  t.test(`requirements are added ${name}`, async (t) => {
    const base = policy({ 'other.io': [reject], ...(before && { 'quay.io': before }) });
    const merged = addRequirements(base, policy({ 'quay.io': [signed('/new')] }, reject));
    t.same(merged, policy({ 'other.io': [reject], 'quay.io': after }), 'default and others stay');
  });
}
