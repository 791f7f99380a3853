import t from 'tap';
import { trustFiles } from '../../support/signed-images.ts';
import { finding } from '../fleet.ts';
import { OPENED, ORDINARY, PASSING, runTrustNodes } from '../trust-nodes.ts';

t.test('diff between nodes, a pool and times', async (t) => {
  await using fleet = await runTrustNodes(t.testdir({}));

  await t.test('a node and the majority of its pool', async (t) => {
    const { exit, stdout } = await fleet.run('diff worker-3 --baseline worker');
    t.equal(exit, 1);
    t.equal(
      stdout.replaceAll(/sha256:[0-9a-f]{4}…[0-9a-f]{4}/g, 'KEY'),
      `--- majority of pool worker
+++ worker-3

Trust in images
✗ weakened      policy docker "registry.example.com/team": registry.example.com/team no longer requires a sigstore signature by KEY (registry.example.com spoke for it)

Rules
~ fips.kernel-enabled  result=pass → result=notapplicable reason=exception override=alice until 2027-03-31
~ selinux.enforcing  result=pass severity=high → result=fail severity=critical

Facts
~ os.version  4.18 → 4.19
- files: on 1 item the pool has no majority
- images: on 1 item the pool has no majority
`,
    );
    const same = await fleet.run('diff worker-1 --baseline worker');
    t.equal(same.exit, 0);
    t.match(same.stdout, '\nnothing differs\n');
    const trust = await fleet.run('diff worker-3 --baseline pool/worker --section trust -o json');
    t.match(JSON.parse(trust.stdout), {
      kind: 'NodeDiff',
      from: { pool: 'worker' },
      to: { node: 'worker-3' },
      trust: [{ effect: 'weakened', part: 'policy', scope: 'registry.example.com/team' }],
      differences: [],
      notCompared: [],
    });
  });

  await t.test('two nodes', async (t) => {
    const { exit, stdout } = await fleet.run('diff worker-1 node/worker-4');
    t.equal(exit, 1);
    t.match(
      stdout,
      /^--- worker-1\n\+\+\+ worker-4\n\nImages\n~ registry.example.com\/team\/app:v1 by \S+ {2}verdict=accepted → verdict=rejected reason=no-signature\n$/,
    );
    const text = await fleet.run('diff worker-1 worker-2');
    t.match(
      text.stdout,
      /\nFiles\n~ \/etc\/containers\/policy.json {2}sha256=sha256:[0-9a-f]{12} → sha256=sha256:[0-9a-f]{12}\n$/,
    );
    t.equal(
      (await fleet.run('diff worker-1 worker-2 --section trust,checks,host')).exit,
      0,
      'they come to the same',
    );
    const gone = await fleet.run('diff worker-1 infra-1 --section images,checks');
    t.match(gone.stdout, /\n- selinux.enforcing {2}result=pass severity=high\n/);
    t.match(gone.stdout, /\n\+ quay.io\/team\/old:v1 by /);
  });

  await t.test('two times of one node', async (t) => {
    const before = new Date().toISOString();
    while (Date.now() <= Date.parse(before));
    const files = { ...ORDINARY, ...trustFiles(OPENED) };
    await fleet.report('worker-1', { files, findings: [...PASSING, finding('x.new')] });
    const { exit, stdout } = await fleet.run(`diff worker-1 --at ${before}`);
    t.equal(exit, 1);
    t.match(stdout, `--- worker-1 as of ${before}\n+++ worker-1\n\nTrust in images\n✗ weakened`);
    t.match(stdout, '\n+ x.new  result=pass severity=high\n');
    t.match(stdout, '\n~ /etc/containers/policy.json  ');
    const back = await fleet.run(`diff worker-1 --at 0s ${before}`);
    t.match(back.stdout, /✓ strengthened.*\n- x.new /s);
    t.equal((await fleet.run(`diff worker-1 worker-2 --as-of ${before} --section trust`)).exit, 0);
    t.equal((await fleet.run('diff worker-1 worker-2 --section trust')).exit, 1);
    const pool = await fleet.run(
      `diff worker-3 --baseline worker --as-of ${before} --section trust`,
    );
    t.match(pool, { exit: 1, stdout: /majority of pool worker as of .*weakened/s });
  });

  await t.test('what is not known is not the same', async (t) => {
    const never = await fleet.run('diff worker-2 gpu-7');
    t.match(never, {
      exit: 6,
      stdout:
        /\+\+\+ gpu-7 \(expected: as it said last\)\n\nnothing that is known differs\n\? not compared {2}trust, checks, files, images, host: gpu-7 never reported it\n$/,
    });
    t.match(await fleet.run('diff worker-2 --at 24h'), {
      exit: 6,
      stdout: /nothing is known of worker-2 as of 24h/,
    });
    t.match(await fleet.run('diff worker-2 --baseline gpu --section trust'), {
      exit: 6,
      stdout: /no more than half of the pool gpu/,
    });
  });

  await t.test('what was typed wrong, and what is not there', async (t) => {
    const cases: readonly (readonly [line: string, exit: number, says: RegExp])[] = [
      ['diff', 2, /missing required argument/],
      ['diff worker-1', 2, /compared with nothing[\s\S]*--baseline POOL/],
      ['diff worker-1 worker-2 worker-3', 2, /too many arguments/],
      ['diff worker-1 worker-2 --baseline worker', 2, /one node with its pool/],
      ['diff worker-1 --baseline worker --at 1h', 2, /exclude each other/],
      ['diff worker-1 --at 1h --as-of 1h', 2, /exclude each other/],
      ['diff worker-1 --at 1h 2h --at 3h', 2, /two times at most/],
      ['diff worker-1 --at yesterday', 2, /expected a time/],
      ['diff worker-1 worker-2 --as-of never', 2, /expected a time/],
      ['diff worker-1 worker-2 --section trsut', 2, /did you mean 'trust'/],
      ['diff worker-1 worker-2 -o csv', 2, /csv/],
      ['diff worker-1 nowhere', 5, /nowhere/],
      ['diff nowhere --baseline worker', 5, /nowhere/],
      ['diff worker-1 --baseline nowhere', 5, /pool "nowhere": not known/],
    ];
    for (const [line, exit, says] of cases) {
      t.match(await fleet.run(line), { exit, stderr: says }, line);
    }
  });
});
