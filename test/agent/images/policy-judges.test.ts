// One piece: tables of policies over one node, and what a change of each outdates.
import t from 'tap';
import { openHost } from '../../../agent/host.ts';
import { PassMemory } from '../../../agent/images/pass-memory.ts';
import { VerdictCache } from '../../../agent/images/verdict-cache.ts';
import { verifyImages } from '../../../agent/images/verify.ts';
import type { VerifyOptions } from '../../../agent/images/verify-options.ts';
import { readNodeTrust } from '../../../agent/trust.ts';
import { sha256 } from '../../../shared/canonical.ts';
import type { ImageVerdict } from '../../../shared/images.ts';
import { containerFiles, type TestContainer } from '../../support/container-records.ts';
import {
  ANYTHING,
  imageId,
  KEY,
  lookasideFiles,
  manifestOf,
  OTHER_KEY,
  POLICY,
  pulled,
  SIGNED,
  signed,
  trustFiles,
} from '../../support/signed-images.ts';
import { type Files, storeFiles, writeFiles } from '../../support/store-tree.ts';

const NAME = 'registry.example.com/team/app:v1';
const MANIFEST = manifestOf('app');
const BY_DIGEST = `registry.example.com/team/app@${sha256(MANIFEST)}`;
const image = pulled({ seed: 'app', names: [NAME], signatures: [signed(NAME, MANIFEST)] });
const unsigned = pulled({ seed: 'app', names: [NAME] });
const nameless = pulled({ seed: 'app' });
const SYSTEM = '/etc/containers/policy.json';
const CRIO = '/etc/crio/own.json';
const OTHER_PATH = '/etc/pki/containers/other.pub';
const policy = (requirements: unknown): string => JSON.stringify({ default: requirements });
const REJECT = policy([{ type: 'reject' }]);
const OPEN = policy(ANYTHING);
const STRICT = policy(SIGNED);
const OTHER = policy([{ type: 'sigstoreSigned', keyPath: OTHER_PATH }]);
const own = (file = CRIO): Files => ({
  '/etc/crio/crio.conf.d/50': `[crio.image]\nsignature_policy = "${file}"\n`,
});
const spacePath = (namespace: string, folder = '/etc/crio/policies'): string =>
  `${folder}/${namespace}.json`;
const pod = (namespace: string, asked?: string): TestContainer => ({
  image: image.id,
  namespace,
  ...(asked === undefined ? {} : { asked }),
});
const podman: TestContainer = { image: image.id, asked: NAME };

/** One word for each verdict: `<verdict>[ <reason>] <reference> by <policy>[ for <namespace>]`. */
function lineOf(one: ImageVerdict): string {
  const reason = one.reason === undefined ? '' : ` ${one.reason}`;
  const space = one.namespace === undefined ? '' : ` for ${one.namespace}`;
  return `${one.verdict}${reason} ${one.reference} by ${one.policy}${space}`;
}

async function verify(root: string, options: VerifyOptions = {}) {
  const host = openHost(root);
  return await verifyImages(host, await readNodeTrust(host), options);
}

const cases: readonly (readonly [
  name: string,
  files: Files,
  containers: readonly TestContainer[],
  expected: readonly string[],
])[] = [
  [
    'by the system’s policy where there is no other',
    storeFiles([image]),
    [pod('team', NAME), podman],
    [`accepted ${NAME} by ${SYSTEM}`],
  ],
  [
    'by CRI-O’s own policy instead, in use or not',
    { ...storeFiles([image]), ...own(), [CRIO]: REJECT },
    [],
    [`rejected policy-reject ${NAME} by ${CRIO}`],
  ],
  [
    'by the system’s policy when podman alone uses it',
    { ...storeFiles([image]), ...own(), [CRIO]: REJECT },
    [podman],
    [`accepted ${NAME} by ${SYSTEM}`],
  ],
  [
    'by both when both use it',
    { ...storeFiles([image]), ...own(), [CRIO]: REJECT },
    [podman, pod('team', NAME)],
    [`rejected policy-reject ${NAME} by ${CRIO}`, `accepted ${NAME} by ${SYSTEM}`],
  ],
  [
    'by the system’s policy again when signature_policy is empty',
    { ...storeFiles([image]), ...own('') },
    [],
    [`accepted ${NAME} by ${SYSTEM}`],
  ],
  [
    'by the policy of each namespace whose pods use it',
    {
      ...storeFiles([image]),
      [spacePath('a')]: REJECT,
      [spacePath('b')]: STRICT,
      [spacePath('nobody')]: REJECT,
    },
    [pod('b', NAME), pod('a', NAME), pod('open', NAME)],
    [
      `accepted ${NAME} by ${SYSTEM}`,
      `rejected policy-reject ${NAME} by ${spacePath('a')} for a`,
      `accepted ${NAME} by ${spacePath('b')} for b`,
    ],
  ],
  [
    'by that in signature_policy_dir',
    {
      ...storeFiles([image]),
      '/etc/crio/crio.conf': '[crio.image]\nsignature_policy_dir = "/etc/spaces"\n',
      [spacePath('a', '/etc/spaces')]: STRICT,
      [spacePath('a')]: REJECT,
    },
    [pod('a', NAME)],
    [`accepted ${NAME} by ${SYSTEM}`, `accepted ${NAME} by ${spacePath('a', '/etc/spaces')} for a`],
  ],
  [
    'for a namespace under every name it asked for, complete and without a tag beside a digest',
    { ...storeFiles([image]), [spacePath('a')]: OPEN },
    [
      pod('a', 'registry.example.com/team/app'),
      pod('a', BY_DIGEST.replace('@', ':v9@')),
      pod('a', 'app'),
      pod('a', 'app'),
    ],
    [
      `accepted ${NAME} by ${SYSTEM}`,
      ...['registry.example.com/team/app:latest', BY_DIGEST, 'docker.io/library/app:latest'].map(
        (name) => `unenforced ${name} by ${spacePath('a')} for a`,
      ),
    ],
  ],
  [
    'for a namespace under its own names where the record has its id only',
    { ...storeFiles([image]), [spacePath('a')]: STRICT },
    [pod('a', image.id)],
    [`accepted ${NAME} by ${SYSTEM}`, `accepted ${NAME} by ${spacePath('a')} for a`],
  ],
  [
    'not at all for a namespace when nothing says by which name',
    { ...storeFiles([nameless]), [spacePath('a')]: OPEN },
    [pod('a')],
    [
      `rejected policy-reject <none> by ${SYSTEM}`,
      `unknown reference-unknown <none> by ${spacePath('a')} for a`,
    ],
  ],
  [
    'not for a namespace when it only holds its pods together',
    { ...storeFiles([image]), [spacePath('a')]: REJECT },
    [{ ...pod('a', NAME), isSandbox: true }],
    [`accepted ${NAME} by ${SYSTEM}`],
  ],
  [
    'for a namespace by what is in the store, as CRI-O has nothing else when it makes a container',
    {
      ...storeFiles([unsigned]),
      ...lookasideFiles('team/app', MANIFEST, [signed(NAME, MANIFEST)]),
      [spacePath('a')]: STRICT,
    },
    [pod('a', NAME)],
    [`accepted ${NAME} by ${SYSTEM}`, `rejected no-signature ${NAME} by ${spacePath('a')} for a`],
  ],
  [
    'with keys that only the policy of a namespace names',
    { ...storeFiles([image]), [spacePath('a')]: OTHER, [OTHER_PATH]: KEY.pem },
    [pod('a', NAME)],
    [`accepted ${NAME} by ${SYSTEM}`, `accepted ${NAME} by ${spacePath('a')} for a`],
  ],
  [
    'by the others when one policy of a namespace is broken, empty or no file',
    {
      ...storeFiles([image]),
      [spacePath('a')]: '{"default":[{"type":"reject","x":1}]}',
      [spacePath('b')]: '',
      [`${spacePath('c')}/x`]: '',
      [spacePath('d')]: STRICT,
    },
    [pod('a', NAME), pod('b', NAME), pod('c', NAME), pod('d', NAME)],
    [
      `accepted ${NAME} by ${SYSTEM}`,
      `unknown policy-invalid ${NAME} by ${spacePath('a')} for a`,
      `unknown policy-invalid ${NAME} by ${spacePath('b')} for b`,
      `unknown policy-unreadable ${NAME} by ${spacePath('c')} for c`,
      `accepted ${NAME} by ${spacePath('d')} for d`,
    ],
  ],
  [
    'by the others when CRI-O’s own policy is not there',
    { ...storeFiles([image]), ...own(), [spacePath('a')]: STRICT },
    [pod('a', NAME), podman],
    [
      `unknown policy-missing ${NAME} by ${CRIO}`,
      `accepted ${NAME} by ${SYSTEM}`,
      `accepted ${NAME} by ${spacePath('a')} for a`,
    ],
  ],
  [
    'not for any namespace when the folder of their policies is none',
    { ...storeFiles([image]), '/etc/crio/policies': 'x' },
    [pod('a', NAME)],
    [
      `accepted ${NAME} by ${SYSTEM}`,
      `unknown policy-unreadable ${NAME} by /etc/crio/policies for a`,
    ],
  ],
];

for (const [name, files, containers, expected] of cases) {
  t.test(`a stored image is judged ${name}`, async (t) => {
    const root = writeFiles(t.testdir({}), {
      ...trustFiles(),
      ...files,
      ...containerFiles(containers),
    });
    t.same((await verify(root)).verdicts.map(lineOf), expected);
  });
}

t.test('each judge speaks of its own users', async (t) => {
  const root = writeFiles(t.testdir({}), {
    ...trustFiles(),
    ...storeFiles([image]),
    ...own(),
    [CRIO]: OPEN,
    [spacePath('a')]: OPEN,
    ...containerFiles([podman, pod('a', NAME), pod('b', NAME)]),
  });
  const { verdicts, policyPath } = await verify(root);
  t.equal(policyPath, CRIO);
  t.match(verdicts, [
    { policy: CRIO, pods: [{ namespace: 'a' }, { namespace: 'b' }] },
    { policy: SYSTEM, pods: [{ container: 'demo-0' }] },
    { namespace: 'a', pods: [{ namespace: 'a' }] },
  ]);
  t.same(
    verdicts.map(({ pods }) => pods.length),
    [2, 1, 1],
  );
});

t.test('an image that was asked for comes with the policies of its namespaces', async (t) => {
  const other = pulled({ seed: 'other', names: ['any.example.com/x:v1'] });
  const root = writeFiles(t.testdir({}), {
    ...trustFiles(),
    ...storeFiles([other, image]),
    [spacePath('a')]: STRICT,
    ...containerFiles([pod('a', NAME), { ...pod('a', 'any.example.com/x:v1'), image: other.id }]),
  });
  const found = await verify(root, { references: [imageId('app')] });
  t.same(found.verdicts.map(lineOf), [
    `accepted ${NAME} by ${SYSTEM}`,
    `accepted ${NAME} by ${spacePath('a')} for a`,
  ]);
});

const MINUTE_MS = 60_000;
/** What is written between two passes over one image before the system's policy, `a` (its own key) and `b` (the same key). */
const changes: readonly (readonly [
  name: string,
  files: Files,
  evaluations: number,
  verdicts: readonly string[],
])[] = [
  ['nothing', {}, 0, ['accepted', 'accepted', 'accepted']],
  [
    'a scope of the system’s policy for other images',
    trustFiles({
      ...POLICY,
      transports: { docker: { ...POLICY.transports['docker'], q: SIGNED } },
    }),
    0,
    ['accepted', 'accepted', 'accepted'],
  ],
  [
    'the key of one namespace',
    { [OTHER_PATH]: OTHER_KEY.pem },
    1,
    ['accepted', 'rejected', 'accepted'],
  ],
  [
    'the policy of one namespace',
    { [spacePath('a')]: STRICT },
    0,
    ['accepted', 'accepted', 'accepted'],
  ],
  [
    'the requirements of one namespace',
    { [spacePath('a')]: policy([...SIGNED, ...SIGNED]) },
    1,
    ['accepted', 'accepted', 'accepted'],
  ],
  [
    'the policy of a namespace nobody uses',
    { [spacePath('x')]: REJECT },
    0,
    ['accepted', 'accepted', 'accepted'],
  ],
  [
    'a policy of CRI-O, of the same requirements',
    { ...own(), [CRIO]: STRICT },
    0,
    ['accepted', 'accepted', 'accepted'],
  ],
  [
    'the policy of one namespace, broken',
    { [spacePath('a')]: '{' },
    0,
    ['accepted', 'unknown', 'accepted'],
  ],
];

for (const [name, files, evaluations, expected] of changes) {
  t.test(`images judged before, after a change of ${name}`, async (t) => {
    const root = writeFiles(t.testdir({}), {
      ...trustFiles(),
      ...storeFiles([image]),
      [spacePath('a')]: OTHER,
      [OTHER_PATH]: KEY.pem,
      [spacePath('b')]: STRICT,
      ...containerFiles([pod('a', NAME), pod('b', NAME)]),
    });
    // What has just been written may change again within one tick of the kernel's clock.
    const clock = { nowMs: () => Date.now() + MINUTE_MS, monotonicMs: () => 0 };
    const options = { clock, memory: new PassMemory(), cache: new VerdictCache() };
    const first = await verify(root, options);
    t.equal(first.evaluations, 2, 'judges that ask the same verify once');
    t.equal((await verify(root, options)).evaluations, 0);
    writeFiles(root, files);
    const { verdicts, evaluations: again } = await verify(root, options);
    t.same(
      verdicts.map(({ verdict }) => verdict),
      expected,
    );
    t.equal(again, evaluations);
    t.equal((await verify(root, options)).evaluations, 0, 'and then it is known');
  });
}
