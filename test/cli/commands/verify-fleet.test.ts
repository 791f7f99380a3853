import t from 'tap';
import { runCli } from '../fake-io.ts';
import { APP, runTrustNodes } from '../trust-nodes.ts';

t.test('verify asks the fleet for the verdicts it reported', async (t) => {
  await using fleet = await runTrustNodes(t.testdir({}));
  const all = await fleet.run(`verify ${APP} --all-nodes`);
  t.equal(all.exit, 1, 'a refusal comes before a node that did not report');
  t.match(
    all.stdout,
    /^IMAGE +VERDICT +REASON +NODES +ON +SOURCE +ID\n\S+ +rejected +no-signature +1 +worker-4 +none +\w{12}\n\S+ +unenforced +- +1 +worker-3 .*\n\S+ +accepted +- +2 +worker-1, worker-2 +store .*\n$/,
  );
  t.equal(
    all.stderr,
    '2 accepted, 1 unenforced, 1 rejected, 0 unknown of 4\n5 of 6 nodes reporting; not: gpu-7 (never seen)\n',
  );
  const json = JSON.parse((await fleet.run(`verify ${APP} --all-nodes -o json`)).stdout);
  t.match(json, {
    kind: 'ImageVerdictList',
    items: [
      { node: 'worker-4', verdict: 'rejected', reason: 'no-signature', policy: /policy.json/ },
      {},
      {},
      {},
    ],
    coverage: { expected: 6, reporting: 5, missing: [{ node: 'gpu-7' }] },
  });
  const { digest, imageId } = json.items[0];
  const explained = await fleet.run(`verify ${APP} --node worker-4 --explain`);
  t.match(explained, {
    exit: 1,
    stdout: /^✗ REJECTED {2}.*\n {2}on +worker-4\n {2}image .*asks for +sigstoreSigned/s,
  });

  const cases: readonly (readonly [line: string, exit: number, says: RegExp])[] = [
    [`verify ${APP} --node worker-1`, 0, /^1 accepted, .*\n1 of 1 node reporting\n$/],
    [`verify ${APP} --node worker-3`, 0, /1 unenforced/],
    [`verify ${APP} --node worker-4`, 1, /1 rejected/],
    [`verify ${digest} --node node/worker-4`, 1, /1 rejected/],
    [`verify ${imageId.slice(0, 12)} --node worker-4`, 1, /1 rejected/],
    [`verify registry.example.com/team/app@${digest} --node worker-4`, 1, /1 rejected/],
    [`verify quay.io/other/app@${digest} --all-nodes`, 5, /no node that was asked has an image/],
    [`verify ${APP} --all-nodes --require-coverage 100%`, 3, /exit 3/],
    [`verify ${APP} --all-nodes --require-coverage 50%`, 1, /gpu-7/],
    ['verify any.example.com/ok:v1 --all-nodes', 6, /1 unenforced/],
    [`verify ${APP} --node infra-1`, 5, /no node that was asked has an image/],
    [`verify ${APP} --node nowhere`, 5, /"nowhere": not known/],
    [`verify ${APP} --node gpu-7`, 5, /0 of 1 node reporting/],
    ['verify quay.io/team/old:v1 --node infra-1', 1, /1 rejected/],
    ['verify UPPER --all-nodes', 5, /no node that was asked has an image UPPER/],
    ['verify --all-nodes', 2, /no image is named/],
    [`verify ${APP} --node a --all-nodes`, 2, /exclude each other/],
    [`verify ${APP} --all-nodes --host-root /`, 2, /--host-root is for the store of this node/],
    [`verify ${APP} --all-nodes --sources store`, 2, /--sources is for the store of this node/],
    [`verify ${APP} --node worker-1 --release-key /k`, 2, /--release-key is for the store/],
    [`verify ${APP} --node worker-1 --all`, 2, /--all is for the store of this node/],
    [`verify ${APP} --require-coverage 1`, 2, /says nothing of this node alone/],
  ];
  for (const [line, exit, says] of cases) {
    t.match(await fleet.run(line), { exit, stderr: says }, line);
  }
  const words = ['verify', APP, '--all-nodes', '--server', 'http://127.0.0.1:1'];
  t.match(await runCli(words), { exit: 4, stderr: /127.0.0.1:1/ }, 'no aggregator');
});
