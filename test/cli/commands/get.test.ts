import t from 'tap';
import { findingKey } from '../../../shared/findings.ts';
import { diffItems, type Items } from '../../../shared/report.ts';
import type { AgentClient } from '../../support/agent-client.ts';
import { HOSTILE, runCli } from '../fake-io.ts';
import { FINDINGS, finding, HOSTILE_NAME, image, runFleet } from '../fleet.ts';

const INVENTORY = [{ name: 'gpu-7', pool: 'gpu' }];
const MISSING = '1 of 2 nodes reporting; not: gpu-7 (never seen)\n';

t.test('a fleet of one node that reports and one that never did', async (t) => {
  await using fleet = await runFleet(t.testdir({}), undefined, undefined, INVENTORY);
  const get = async (words: string, isTerminal = false) =>
    await runCli(['get', ...words.split(' '), ...fleet.flags], { isTerminal, nowMs: Date.now() });

  const tables: readonly (readonly [string, string])[] = [
    [
      'findings',
      `RULE               RESULT   SEVERITY  NODES  ON      MESSAGE
selinux.enforcing  fail     critical      1  node-1  message of selinux.enforcing
fips.kernel        unknown  medium        1  node-1  message of fips.kernel
`,
    ],
    [
      'findings --no-group --limit 1',
      `RULE               NODE    RESULT  SEVERITY  MESSAGE
selinux.enforcing  node-1  fail    critical  message of selinux.enforcing
`,
    ],
    [
      'findings seccomp.default -o wide',
      `RULE             NODE    RESULT  SEVERITY  SUBJECT                       REASON  MESSAGE
seccomp.default  node-1  pass    high      /etc/kubernetes/kubelet.conf  -       message of seccomp.default
`,
    ],
    [
      'images --field-selector verdict=rejected',
      `IMAGE                NODE    VERDICT   REASON        SOURCE  ID
quay.io/team/old:v1  node-1  rejected  no-signature  none    0123456789ab
`,
    ],
    [
      'drift',
      `PATH                         CLASS          REASON  NODES  ON
/etc/containers/policy.json  managed-drift  -           1  node-1
`,
    ],
    ['checks selinux --no-headers', 'selinux.enforcing  fail  critical  1  0  0\n'],
    ['events --field-selector class=low -o name', 'event/node-1/epoch-1/3\n'],
    ['nodes -o name --sort-by name', 'node/gpu-7\nnode/node-1\n'],
    ['nodes -o name --sort-by -name', 'node/node-1\nnode/gpu-7\n'],
    ['node/gpu-7 -o name', 'node/gpu-7\n'],
    ['nodes node/gpu-7 -o name', 'node/gpu-7\n'],
    ['findings -o name --limit 1', 'finding/node-1/selinux.enforcing\n'],
    [
      'findings -o csv --field-selector severity=critical',
      'ruleId,node,result,severity,subject,reason,message\nselinux.enforcing,node-1,fail,critical,,permissive,message of selinux.enforcing\n',
    ],
  ];
  for (const [words, expected] of tables) {
    const { exit, stdout, stderr } = await get(words);
    t.equal(stdout, expected, `get ${words}`);
    t.equal(exit, 0);
    const isCut = words.startsWith('findings') && !words.includes('seccomp');
    const cut = isCut ? 'what passes or does not apply is left out (--all)\n' : '';
    t.equal(stderr, cut + MISSING, 'it says for how many nodes it speaks');
  }

  const nodes = await get('nodes', true);
  t.match(
    nodes.stdout,
    /^NAME {4}STATE {5}POOL {5}WORST {10}FAIL {2}UNKNOWN {2}DRIFT {2}REJECTED {2}SEEN\nnode-1 {2}online {4}default {2}✗ fail {12}1 {8}1 {6}1 {9}1 {2}\ds\ngpu-7 {3}expected {2}gpu {6}\? not checked {5}- {8}- {6}- {9}- {2}never\n$/,
    'a node that never reported has no numbers',
  );

  const json = JSON.parse((await get('nodes -o json')).stdout);
  t.match(json, {
    apiVersion: 'nodeseal.dev/v1',
    kind: 'NodeList',
    coverage: { expected: 2, reporting: 1, missing: [{ node: 'gpu-7', cause: 'never seen' }] },
  });
  t.same(Object.keys(json.items[0]).sort(), [
    'agentVersion',
    'drift',
    'images',
    'lastSeen',
    'name',
    'pool',
    'results',
    'state',
    'uid',
    'worst',
  ]);
  const policies = JSON.parse((await get('policies -o json')).stdout);
  t.match(policies.items, [{ nodes: ['node-1'], policy: { path: '/etc/containers/policy.json' } }]);
  const jsonl = (await get('findings --all -o jsonl')).stdout.trimEnd().split('\n');
  t.equal(jsonl.length, 3);
  t.equal(JSON.parse(jsonl[0] ?? '').ruleId, 'selinux.enforcing');

  const selected = await get('findings -l pool=gpu -o json');
  t.match(JSON.parse(selected.stdout), { items: [], coverage: { expected: 1, reporting: 0 } });
  t.match(selected.stderr, '(--all)\nno findings\n0 of 1 node reporting');

  const exits: readonly (readonly [string, number, string])[] = [
    ['findings', 0, 'without a gate'],
    ['findings --fail-on critical', 1, 'with a failure at the threshold'],
    ['findings fips --fail-on info', 0, 'where nothing fails'],
    ['images --fail-on high', 1, 'with a rejected image'],
    ['findings --fail-on low --require-coverage 50%', 1, 'with enough coverage'],
    ['findings --fail-on low --require-coverage 50.1%', 3, 'with too little coverage'],
    ['nodes nowhere', 5, 'for a name that is not there'],
    ['findings --field-selector node=nowhere', 5, 'for a node that is not there'],
    ['findings --field-selector result=bad', 2, 'for a value the aggregator does not know'],
  ];
  for (const [words, expected, name] of exits) {
    const { exit, stderr } = await get(words);
    t.equal(exit, expected, `get ${words}: ${expected}, ${name}`);
    if (expected === 3) t.match(stderr, 'exit 3: coverage 50% is below the required 50.1%');
  }
});

t.test('hostile names of a node are harmless in every format', async (t) => {
  const findings = [
    finding('selinux.enforcing', { result: 'fail', subject: HOSTILE_NAME, message: HOSTILE_NAME }),
    finding('fips.kernel', { result: 'fail', subject: '=cmd|x', message: 'long '.repeat(2000) }),
  ];
  await using fleet = await runFleet(t.testdir({}), findings, [image(HOSTILE_NAME)]);
  for (const format of ['table', 'wide', 'json', 'yaml', 'jsonl', 'name', 'csv']) {
    for (const type of ['findings', 'images']) {
      for (const isTerminal of [true, false]) {
        const words = ['get', type, '-o', format, ...fleet.flags];
        const { exit, stdout } = await runCli(words, { isTerminal });
        t.equal(exit, 0);
        t.notMatch(stdout, HOSTILE, `${type} as ${format}`);
        if (isTerminal && format === 'table') {
          const widest = Math.max(...stdout.split('\n').map((line) => line.length));
          t.ok(widest <= 80, `${type}: ${widest} columns`);
        }
      }
    }
  }
  const csv = await runCli(['get', 'findings', '-o', 'csv', ...fleet.flags]);
  t.match(csv.stdout, ",'=cmd|x,", 'a formula is text');
  const json = await runCli(['get', 'images', '-o', 'json', ...fleet.flags]);
  t.equal(JSON.parse(json.stdout).items[0].reference, HOSTILE_NAME, 'JSON has the exact name');
  const node = await runCli(['describe', 'node', 'node-1', ...fleet.flags], { isTerminal: true });
  t.equal(node.exit, 0);
  t.notMatch(node.stdout, HOSTILE);
});

t.test('a former time is asked for by --as-of', async (t) => {
  await using fleet = await runFleet(t.testdir({}));
  const then = new Date().toISOString();
  while (Date.now() <= Date.parse(then));
  const before = new Map(FINDINGS.map((each) => [findingKey(each), { ...each }]));
  await sendDelta(fleet.agent, before, new Map());
  const names = async (...flags: readonly string[]): Promise<readonly string[]> => {
    const { stdout } = await runCli(['get', 'findings', '-o', 'json', ...flags, ...fleet.flags]);
    return JSON.parse(stdout).items.map(({ ruleId }: { ruleId: string }) => ruleId);
  };
  t.same(await names(), []);
  t.same(await names('--as-of', then), ['selinux.enforcing', 'fips.kernel']);
  t.same(await names('--as-of', '24h'), []);
  const after = new Map(
    [FINDINGS[0] ?? finding('x.y'), finding('agent.self', { result: 'fail' })].map((each) => [
      findingKey(each),
      { ...each },
    ]),
  );
  await sendDelta(fleet.agent, new Map(), after);
  t.same(await names(), ['selinux.enforcing', 'agent.self']);
  t.same(await names('--since', then), ['agent.self'], 'what was not so then');
  t.same(await names('--since', then, '--limit', '1'), ['agent.self'], 'the limit is of those');
  const unknown = await runCli(['get', 'findings', '--since', '24h', ...fleet.flags]);
  t.match(unknown, { exit: 0, stdout: /agent\.self/, stderr: /^what passes/ });
  for (const flags of [
    ['nodes', '--as-of', '24h'],
    ['findings', '--since', '24h', '--watch'],
    ['findings', '--as-of', '24h', '--watch'],
  ]) {
    const refused = await runCli(['get', ...flags, ...fleet.flags]);
    t.match(refused, { exit: 2, stderr: /--as-of|--since/ }, flags.join(' '));
  }
});

t.test('lists longer than a page are put together', async (t) => {
  const count = 5200;
  const findings = Array.from({ length: count }, (_, index) =>
    finding('selinux.enforcing', { result: 'fail', subject: `/file-${index}` }),
  );
  // One frame holds 1 MiB, so the section grows by parts.
  await using fleet = await runFleet(t.testdir({}), findings.slice(0, 3));
  for (let from = 3; from < count; from += 1300) {
    const part = findings.slice(0, Math.min(from + 1300, count));
    const before = new Map(
      findings.slice(0, from).map((one) => [`${one.ruleId} ${one.subject}`, { ...one }]),
    );
    const after = new Map(part.map((one) => [`${one.ruleId} ${one.subject}`, { ...one }]));
    await sendDelta(fleet.agent, before, after);
  }
  const { exit, stdout } = await runCli(['get', 'findings', '-o', 'json', ...fleet.flags]);
  t.equal(exit, 0);
  const { items } = JSON.parse(stdout);
  t.equal(items.length, count);
  t.equal(new Set(items.map(({ subject }: { subject: string }) => subject)).size, count);
});

async function sendDelta(
  agent: AgentClient,
  before: ReadonlyMap<string, object>,
  after: ReadonlyMap<string, object>,
): Promise<void> {
  // Findings are JSON.
  const delta = diffItems(before as Items, after as Items);
  if (delta === undefined) throw new Error('nothing to send');
  agent.send({
    type: 'state',
    section: 'checks',
    mode: 'delta',
    ...delta,
    part: 1,
    of: 1,
    asOf: '2026-11-21T00:00:00.000Z',
  });
  await agent.next('stateApplied', (frame) => frame.to === delta.to);
}

t.test('a failure that somebody vouches for is told as an exception', async (t) => {
  const override = {
    oldResult: 'fail',
    authority: 'alice',
    remark: 'R',
    until: '2027-03-31',
  } as const;
  const excepted = { result: 'notapplicable', reason: 'exception', override } as const;
  await using fleet = await runFleet(t.testdir({}), [finding('selinux.enforcing', excepted)], []);
  const get = async (...words: string[]) =>
    await runCli(['get', 'findings', ...words, ...fleet.flags]);
  const { stdout } = await get('--all', '-o', 'wide', '--no-headers');
  t.equal(
    stdout.replaceAll(/ {2,}/g, '  '),
    'selinux.enforcing  node-1  not applicable  high  -  exception  exception of alice until 2027-03-31 (R): message of selinux.enforcing\n',
  );
  const { items } = JSON.parse((await get('--all', '-o', 'json')).stdout);
  t.match(items, [{ result: 'notapplicable', reason: 'exception', override }]);
  const chosen = await get('--field-selector', 'reason=exception', '-o', 'name');
  t.equal(chosen.stdout, 'finding/node-1/selinux.enforcing\n', 'asked for by its reason');
  t.equal((await get('-o', 'name')).stdout, '', 'and left out of what fails');
});
