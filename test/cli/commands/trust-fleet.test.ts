import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { SIGNER, trustFiles } from '../../support/signed-images.ts';
import { writeFiles } from '../../support/store-tree.ts';
import { runCli } from '../fake-io.ts';
import { APP, OPENED, runTrustNodes } from '../trust-nodes.ts';

const MISSING = '5 of 6 nodes reporting; not: gpu-7 (never seen)\n';
const WEAKENED = 'registry.example.com/team no longer requires a sigstore signature by sha256:';

t.test('trust show and explain over a fleet of folder trees', async (t) => {
  await using fleet = await runTrustNodes(t.testdir({}));

  await t.test('nodes that come to the same stand together, and outliers are named', async (t) => {
    const { exit, stdout, stderr } = await fleet.run('trust show --all-nodes');
    t.equal(exit, 0, stderr);
    t.equal(stderr, MISSING);
    const [workers = '', ...others] = stdout.split('\npolicy ');
    t.match(
      workers,
      /^policy sha256:[0-9a-f]{12} {2}3 nodes of pool worker: worker-1, worker-2, worker-4\n✓ MAJORITY of worker\nTRANSPORT/,
    );
    t.match(workers, `docker     registry.example.com  sigstoreSigned          ${SIGNER}  -`);
    t.match(
      workers,
      /\nKEY-FILE +KEY +ALGORITHM +ENDS +PROBLEM\n\/etc\/pki\/containers\/test.pub +sha256:[0-9a-f]{64} +ECDSA +- +-\n/,
    );
    t.match(workers, /\nmirror.example.net +file:\/\/\/srv\/sigs +- +a.yaml\n/);
    t.match(
      workers,
      /\nregistry.example.com +false +false +mirror.example.net\/x,registry.example.com\n/,
    );
    const apart = others.find((block) => block.includes('worker-3')) ?? '';
    t.match(apart, '✗ OUTLIER: unlike the majority of its pool\n');
    t.match(apart, `✗ weakened      policy docker "registry.example.com/team": ${WEAKENED}`);
    t.notMatch(apart, 'TRANSPORT', 'what sets it apart, not all of it again');

    const one = await fleet.run('trust show worker-3');
    t.match(one.stdout, WEAKENED);
    t.match(
      one.stdout,
      /TRANSPORT.*\n! \/etc\/containers\/policy.json: .*asks for no signature below registry.example.com/s,
    );
    t.equal(one.stderr, '1 of 1 node reporting\n');
    const wide = await fleet.run('trust show node/worker-1 -o wide');
    t.match(wide.stdout, /"signedIdentity":\{"type":"matchRepoDigestOrExact"\}/);
    const pool = await fleet.run('trust show pool/infra -o json');
    t.match(JSON.parse(pool.stdout), {
      kind: 'TrustGroupList',
      items: [{ nodes: ['infra-1'], pools: ['infra'], majorityOf: ['infra'], outliers: [] }],
      coverage: { expected: 1, reporting: 1 },
    });
    const json = JSON.parse((await fleet.run('trust show worker -o json')).stdout);
    t.match(json.items, [
      {
        nodes: ['worker-1', 'worker-2', 'worker-4'],
        differences: [],
        keyFiles: [{ keys: [{ fingerprint: SIGNER, algorithm: 'ECDSA' }] }],
        registries: [{ mirrors: [{ location: 'mirror.example.net/x' }] }],
        scopes: [{}, { hides: 'default', isReachable: true, keys: [SIGNER] }, {}],
      },
      { nodes: ['worker-3'], differences: [{ effect: 'weakened', part: 'policy' }] },
    ]);
    const names = await fleet.run('trust show --all-nodes -o csv --no-headers');
    t.equal(names.stdout.trimEnd().split('\n').length, 3);
    const table = await fleet.run('get policies');
    t.match(
      table.stdout,
      /^DIGEST +NODES +OUTLIERS +PATH .*\nsha256:\S+ +3 +0 .*\nsha256:\S+ +1 +[01] /,
    );
  });

  await t.test('trust explain tells each group of answers with its reason', async (t) => {
    const { exit, stdout, stderr } = await fleet.run(`trust explain ${APP}`);
    t.equal(exit, 0, stderr);
    t.equal(stderr, MISSING);
    const [head, rejected = '', unenforced = '', accepted = '', none = ''] = stdout.split('\n\n');
    t.equal(head, `docker ${APP}`);
    t.match(rejected, /^✗ REJECTED {2}on 1 node \(worker-4\): .*signature/);
    t.match(
      rejected,
      '\n  scope      docker "registry.example.com", for there is no "registry.example.com/team/app:v1", ',
    );
    t.match(rejected, `\n  by key     ${SIGNER}\n`);
    t.match(
      rejected,
      `
  looked for file:///srv/sigs/x/team/app (a.yaml) for mirror.example.net/x/team/app:v1 (mirror)
             not in sigstore attachments of mirror.example.net/x/team/app:v1
  looked for file:///var/lib/containers/sigstore/team/app (built in)
             not in sigstore attachments of registry.example.com/team/app:v1`,
    );
    t.match(
      unenforced,
      /^! UNENFORCED {2}on 1 node \(worker-3\)\n.*scope +docker "registry.example.com\/team"/s,
    );
    t.match(accepted, /^✓ ACCEPTED {2}on 2 nodes \(worker-1, worker-2\)\n/);
    t.match(accepted, `\n  signed by  ${SIGNER}\n`);
    t.match(none, /^- NOT HELD {2}by 1 node \(infra-1\)\n/);

    const one = await fleet.run(`trust explain docker://${APP} --node worker-4 -o json`);
    t.match(JSON.parse(one.stdout), {
      kind: 'TrustExplanation',
      reference: APP,
      items: [
        {
          nodes: ['worker-4'],
          verdicts: [{ verdict: 'rejected', requirements: [{ type: 'sigstoreSigned' }] }],
          places: [{ isMirror: true }, { isMirror: false }],
        },
      ],
      coverage: { expected: 1 },
    });
    const pool = await fleet.run('trust explain busybox --pool infra');
    t.match(
      pool.stdout,
      /^docker docker.io\/library\/busybox:latest\n\n- NOT HELD .*\n.*scope +default, for there is no/s,
    );
    const here = await runCli(['trust', 'explain', APP, '--host-root', fleet.treeOf('worker-4')]);
    t.match(here, {
      exit: 0,
      stdout: /^docker .*\n\n✗ REJECTED {2}on this node: .*looked for file:\/\/\/srv\/sigs/s,
    });
  });

  await t.test('what was typed wrong, and what is not there', async (t) => {
    const cases: readonly (readonly [line: string, exit: number, says: RegExp])[] = [
      ['trust show nowhere', 5, /no node or pool is called nowhere/],
      ['trust show node/nowhere', 5, /"nowhere": not known/],
      ['trust show pool/nowhere', 5, /no node or pool is called nowhere/],
      ['trust show gpu-7', 6, /no node that was asked for has reported what it trusts/],
      ['trust show worker --all-nodes', 2, /exclude each other/],
      ['trust show worker --host-root /', 2, /--host-root is for this node/],
      ['trust show --require-coverage 1', 2, /says nothing of this node alone/],
      ['trust show --all-nodes --require-coverage 100%', 3, /is below the required 100%/],
      ['trust show --all-nodes --require-coverage lots', 2, /is no percentage/],
      ['trust show a b', 2, /too many arguments/],
      [`trust explain ${APP} --require-coverage 100%`, 3, /exit 3/],
      [`trust explain ${APP} --node nowhere`, 5, /"nowhere": not known/],
      [`trust explain ${APP} --pool nowhere`, 5, /no node or pool is called nowhere/],
      [`trust explain ${APP} --node gpu-7`, 6, /has reported what it trusts/],
      [`trust explain ${APP} --node worker-1 --pool worker`, 2, /exclude each other/],
      [`trust explain ${APP} --host-root /nowhere`, 2, /--server says nothing of this node alone/],
      ['trust explain UPPER/case', 2, /lower case/],
      ['trust explain oci:/x:y', 2, /images of registries, not of oci/],
      [`trust explain quay.io/a:b@sha256:${'0'.repeat(64)}`, 2, /a tag or a digest, not both/],
      ['trust explain', 2, /missing required argument/],
      ['trust shwo', 2, /did you mean 'trust show'/],
    ];
    for (const [line, exit, says] of cases) {
      t.match(await fleet.run(line), { exit, stderr: says }, line);
    }
  });

  await t.test('a policy of this node that cannot be used', async (t) => {
    const tree = fleet.treeOf('worker-4');
    writeFileSync(join(tree, 'etc/containers/policy.json'), '{"default":[]}');
    const found = await runCli(['trust', 'explain', APP, '--host-root', tree]);
    t.match(found, {
      exit: 7,
      stdout: /policy +\/etc\/containers\/policy.json\n +cannot be used: /,
    });
  });
});

t.test('trust show has the policies of CRI-O and of namespaces, each by itself', async (t) => {
  const files = {
    ...trustFiles(),
    // The very file of the system.
    '/etc/crio/crio.conf': '[crio.image]\nsignature_policy = "/etc/containers/policy.json"\n',
    '/etc/crio/policies/team.json': JSON.stringify(OPENED),
    '/etc/crio/policies/shop.json': '{',
  };
  const root = writeFiles(t.testdir({}), files);
  const { exit, stdout } = await runCli(['trust', 'show', '--host-root', root]);
  t.equal(exit, 0, 'what is wrong with one namespace is that of one namespace');
  const blocks = stdout.split(/^(?=policy)/m);
  t.match(blocks, [
    /^policy: \/etc\/containers\/policy.json\nTRANSPORT/,
    /^policy of CRI-O: \/etc\/containers\/policy.json\nTRANSPORT/,
    /^policy of namespace shop: \/etc\/crio\/policies\/shop.json: cannot be used: /,
    /^policy of namespace team: \/etc\/crio\/policies\/team.json\nTRANSPORT.*registry.example.com\/team /s,
  ]);
  for (const block of blocks.slice(0, 2)) t.equal(block.match(/^all /gm)?.length, 1);
  const csv = await runCli(['trust', 'show', '--host-root', root, '-o', 'csv', '--no-headers']);
  t.equal(csv.stdout.trimEnd().split('\n').length, 3 + 3 + 4);
  const said = await runCli(['trust', 'explain', APP, '--host-root', root, '-o', 'json']);
  t.match(JSON.parse(said.stdout).items, [
    {
      policies: [
        { role: 'system', scope: 'docker "registry.example.com"' },
        { role: 'crio', scope: 'docker "registry.example.com"' },
        { role: 'namespace', namespace: 'shop', scope: null, problem: /shop.json/ },
        { role: 'namespace', namespace: 'team', scope: 'docker "registry.example.com/team"' },
      ],
      verdicts: [],
    },
  ]);
});
