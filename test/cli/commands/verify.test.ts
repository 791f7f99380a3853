import t from 'tap';
import { containerFiles } from '../../support/container-records.ts';
import {
  ANYTHING,
  manifestOf,
  POLICY,
  pulled,
  signed,
  trustFiles,
} from '../../support/signed-images.ts';
import { storeFiles, writeFiles } from '../../support/store-tree.ts';
import { runCli } from '../fake-io.ts';

const NAME = 'registry.example.com/team/app:v1';
const image = pulled({ seed: 'app', names: [NAME], signatures: [signed(NAME, manifestOf('app'))] });
const SYSTEM = '/etc/containers/policy.json';
const SPACE = '/etc/crio/policies/team.json';

/** A node with one image that two namespaces use, of which one has a policy. */
function node(dir: string, policy: object): string {
  return writeFiles(dir, {
    ...trustFiles(),
    ...storeFiles([image]),
    [SPACE]: JSON.stringify(policy),
    ...containerFiles([
      { image: image.id, namespace: 'team', asked: NAME },
      { image: image.id, namespace: 'other', asked: NAME },
    ]),
  });
}

t.test('verify names the policy and the namespace of each verdict where it is asked', async (t) => {
  const words = ['verify', '--host-root', node(t.testdir({}), { default: [{ type: 'reject' }] })];
  const { exit, stdout } = await runCli([...words, '-o', 'json']);
  t.match(JSON.parse(stdout).items, [
    { reference: NAME, policy: SYSTEM, namespace: undefined, verdict: 'accepted' },
    { reference: NAME, policy: SPACE, namespace: 'team', verdict: 'rejected' },
  ]);
  t.equal(exit, 1, 'what the policy of a namespace refuses is refused');

  const wide = (await runCli([...words, '-o', 'wide'])).stdout.split('\n');
  t.match(wide[0], /POLICY +NAMESPACE +SCOPE/);
  t.match(wide[1], new RegExp(`${SYSTEM} +-? +docker`));
  t.match(wide[2], new RegExp(`${SPACE} +team +default`));

  const { stdout: explained } = await runCli([...words, '--explain', NAME]);
  t.match(explained, /ACCEPTED.*\n.*\n {2}policy {5}\/etc\/containers\/policy\.json\n {2}scope/);
  t.match(
    explained,
    /REJECTED.*\n.*\n {2}policy {5}\/etc\/crio\/policies\/team\.json, of the namespace team\n {2}scope/,
  );
  t.match(explained, /used by {4}team\/web-0\/app\n$/);
});

const exits: readonly (readonly [name: string, policy: object, exit: number, stderr: string])[] = [
  ['accepts', POLICY, 0, '2 accepted, 0 unenforced, 0 rejected, 0 unknown of 2\n'],
  ['asks nothing of', { default: ANYTHING }, 0, '1 accepted, 1 unenforced'],
  ['is no policy for', { default: [] }, 6, '1 unknown of 2\n'],
];
for (const [name, policy, exit, stderr] of exits) {
  t.test(
    `verify ends with ${exit} where the policy of a namespace ${name} the image`,
    async (t) => {
      const found = await runCli(['verify', '--host-root', node(t.testdir({}), policy)]);
      t.equal(found.exit, exit);
      t.match(found.stderr, stderr);
    },
  );
}

t.test(
  'verify of a node without images says so, and not where its store cannot be read',
  async (t) => {
    const empty = await runCli(['verify', '--host-root', writeFiles(t.testdir({}), trustFiles())]);
    t.equal(empty.exit, 0);
    t.match(empty.stderr, / of 0 \(no image is on this node\)\n$/);
    const broken = {
      ...trustFiles(),
      '/var/lib/containers/storage/overlay-images/images.json': '{',
    };
    const unread = await runCli([
      'verify',
      '--host-root',
      writeFiles(t.testdir({ x: {} }), broken),
    ]);
    t.equal(unread.exit, 6);
    t.notMatch(unread.stderr, /no image is on/);
  },
);
