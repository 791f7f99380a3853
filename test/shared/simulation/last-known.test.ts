import t from 'tap';
import type { ImageVerdict } from '../../../shared/images.ts';
import { readCandidate } from '../../../shared/simulation/candidate.ts';
import { lastKnownOutcome } from '../../../shared/simulation/last-known.ts';
import type { PolicyRequirement } from '../../../shared/trust/policy-types.ts';

const accept: PolicyRequirement = { type: 'insecureAcceptAnything' };
const reject: PolicyRequirement = { type: 'reject' };
const signed = (keyPath: string): PolicyRequirement => ({
  type: 'signedBy',
  keyType: 'GPGKeys',
  keyPath,
  signedIdentity: { type: 'matchRepoDigestOrExact' },
});

function verdict(change: Partial<ImageVerdict> = {}): ImageVerdict {
  return {
    imageId: 'ab',
    reference: 'quay.io/team/app:v1',
    digest: 'sha256:cd',
    policy: '/etc/containers/policy.json',
    verdict: 'accepted',
    signedBy: [],
    scope: 'docker "quay.io"',
    requirements: [signed('/old')],
    signatures: [],
    source: 'store',
    pods: [],
    ...change,
  };
}

const REFUSED = { verdict: 'rejected', reason: 'no-signature' } as const;
type Mode = 'replace' | 'add';
const CASES: readonly (readonly [
  name: string,
  known: Partial<ImageVerdict>,
  quay: PolicyRequirement,
  after: object,
  mode?: Mode,
])[] = [
  ['nothing is asked', {}, accept, { after: 'unenforced', scope: 'docker "quay.io"' }],
  ['it is refused', {}, reject, { after: 'rejected', reason: 'policy-reject' }],
  ['the same is asked', {}, signed('/old'), { after: 'accepted' }],
  ['another key is asked for', {}, signed('/new'), { after: 'unknown', reason: 'node-not-asked' }],
  ['none was found', REFUSED, signed('/new'), { after: 'rejected', reason: 'no-signature' }],
  [
    'nobody looked for any',
    { verdict: 'unenforced', requirements: [accept] },
    signed('/new'),
    { after: 'unknown' },
  ],
  ['it was not decided', { verdict: 'unknown' }, signed('/old'), { after: 'unknown' }],
  ['it has no name', { reference: '<none>' }, accept, { after: 'rejected', scope: 'default' }],
  [
    'its name is cut',
    { reference: 'quay.io/…(sha256:ab)' },
    accept,
    { after: 'unknown', scope: '' },
  ],
  [
    'a namespace judges',
    { namespace: 'team', ...REFUSED },
    accept,
    { after: 'rejected', namespace: 'team' },
  ],
  ['more is added', {}, signed('/new'), { after: 'unknown' }, 'add'],
  ['what is there is added', {}, signed('/old'), { after: 'accepted' }, 'add'],
  ['a refusal is added', {}, reject, { after: 'rejected' }, 'add'],
  [
    'a narrower scope speaks than what is added',
    { scope: 'docker "quay.io/team"' },
    reject,
    { after: 'accepted', scope: 'docker "quay.io/team"' },
    'add',
  ],
  [
    'what is added takes the place of the default',
    { scope: 'default', verdict: 'unenforced', requirements: [accept] },
    reject,
    { after: 'rejected', scope: 'docker "quay.io"' },
    'add',
  ],
  [
    'no signature was found, and attachments are switched on',
    REFUSED,
    signed('/new'),
    { after: 'unknown' },
    'add',
  ],
  ['the policy in force is not known', { scope: '' }, reject, { after: 'unknown' }, 'add'],
  ['its scope is none', { scope: 'docker "' }, reject, { after: 'unknown' }, 'add'],
  [
    'none of another kind was looked for',
    REFUSED,
    { type: 'sigstoreSigned', keyPath: '/new', signedIdentity: { type: 'matchRepository' } },
    { after: 'unknown' },
  ],
  [
    'its record is damaged',
    { verdict: 'rejected', reason: 'store-manifest' },
    accept,
    { after: 'rejected', reason: 'store-manifest' },
  ],
  [
    'its digest is another than that of its name',
    { verdict: 'rejected', reason: 'reference-digest-mismatch' },
    accept,
    { after: 'rejected' },
  ],
  [
    'its manifest may be wrong for any policy',
    { verdict: 'rejected', reason: 'manifest-error' },
    accept,
    { after: 'unknown' },
  ],
  [
    'it was being pulled',
    { verdict: 'unknown', reason: 'incomplete' },
    accept,
    { after: 'unknown' },
  ],
  [
    'its policy could not be read',
    { verdict: 'unknown', reason: 'policy-invalid', requirements: [] },
    accept,
    { after: 'unenforced' },
  ],
  ['its scope is no text', { scope: 'docker "\\x"' }, reject, { after: 'unknown' }, 'add'],
];
for (const [name, known, quay, after, policyMode = 'replace'] of CASES) {
  t.test(`last known, candidate ${policyMode}: ${name}`, async (t) => {
    const transports = { docker: { 'quay.io': [quay] } };
    const policy = JSON.stringify({ default: [reject], transports });
    const image = verdict(known);
    const outcome = lastKnownOutcome(image, readCandidate({ policy, policyMode }));
    t.match(outcome, { now: image.verdict, reference: image.reference, ...after });
  });
}

t.test('a nameless image is undecided where the candidate has scopes of stores', async (t) => {
  const transports = { 'containers-storage': { '': [accept] } };
  const policy = JSON.stringify({ default: [reject], transports });
  const outcome = lastKnownOutcome(verdict({ reference: '<none>' }), readCandidate({ policy }));
  t.match(outcome, { after: 'unknown', reason: 'node-not-asked' });
});

t.test('other places of signatures leave what the store has as it is', async (t) => {
  const transports = { docker: { 'quay.io': [signed('/old')] } };
  const policy = JSON.stringify({ default: [reject], transports });
  const candidate = readCandidate({ policy, registriesD: [] });
  for (const [known, after] of [
    [{}, 'accepted'],
    [{ source: 'lookaside' }, 'unknown'],
    [REFUSED, 'unknown'],
  ] as const) {
    t.equal(lastKnownOutcome(verdict(known), candidate).after, after, JSON.stringify(known));
  }
});
