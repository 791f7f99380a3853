import t from 'tap';
import type { PolicyList, PoolBaseline } from '../../shared/api-pools.ts';
import { finding } from '../cli/fleet.ts';
import { NodeFleet } from '../cli/node-fleet.ts';
import { OPENED } from '../cli/trust-nodes.ts';
import { trustFiles } from '../support/signed-images.ts';

t.test('nodes by what they trust, and the majority of a pool', async (t) => {
  const inventory = [{ name: 'gpu-7', pool: 'gpu' }];
  await using fleet = await NodeFleet.start(t.testdir({}), inventory);
  const { running } = fleet;
  const ordinary = { files: trustFiles(), findings: [finding('a.b'), finding('a.c')] };
  const opened = { files: trustFiles(OPENED), findings: [finding('a.b', { result: 'fail' })] };
  const policies = async (query = ''): Promise<PolicyList> =>
    (await running.get(`/v1/policies${query}`)).body as PolicyList;
  const pool = async (query = ''): Promise<PoolBaseline> =>
    (await running.get(`/v1/pools/worker${query}`)).body as PoolBaseline;

  await fleet.add('worker-1', 'worker', ordinary);
  await fleet.add('worker-2', 'worker', opened);

  await t.test('of two that differ neither is the outlier', async (t) => {
    t.match((await policies()).items, [
      { nodes: [/worker-/], pools: ['worker'], majorityOf: [], outliers: [] },
      { nodes: [/worker-/], pools: ['worker'], majorityOf: [], outliers: [] },
    ]);
    const { trust, sections } = await pool();
    t.equal(trust, null);
    t.same(sections.checks, { nodes: 2, items: {}, varying: ['a.b', 'a.c'] });
  });

  const before = new Date().toISOString();
  while (Date.now() <= Date.parse(before));
  const third = await fleet.add('worker-3', 'worker', ordinary);
  await t.test('more than half are the majority', async (t) => {
    const { items, coverage } = await policies();
    t.match(items, [
      { nodes: ['worker-1', 'worker-3'], majorityOf: ['worker'], outliers: [] },
      { nodes: ['worker-2'], majorityOf: [], outliers: ['worker-2'] },
    ]);
    t.match(coverage, { expected: 4, reporting: 3, missing: [{ node: 'gpu-7' }] });
    const [most, other] = items;
    t.equal(most?.trust, undefined, 'the whole of it only by name');
    const whole = await policies(`/${most?.digest}`);
    t.match(whole.items, [{ trust: { policy: { default: [{ type: 'reject' }] } } }]);
    t.match((await policies('?node=worker-2')).items, [
      { digest: other?.digest, nodes: ['worker-2'] },
    ]);
    t.equal((await policies('?pool=worker')).items.length, 2);
    const { trust, sections, nodes } = await pool();
    t.same(nodes, ['worker-1', 'worker-2', 'worker-3']);
    t.equal(trust?.digest, most?.digest);
    t.match(sections.checks, { nodes: 3, items: { 'a.b': { result: 'pass' } }, varying: [] });
    t.equal((await pool(`?asOf=${before}`)).trust, null, 'as it was');
  });

  await t.test('a section that changes is read again, one node at a time', async (t) => {
    await fleet.report('worker-3', opened);
    t.match((await policies()).items, [
      { nodes: ['worker-2', 'worker-3'], majorityOf: ['worker'] },
      { nodes: ['worker-1'], outliers: ['worker-1'] },
    ]);
    await fleet.send('worker-3', 'trust', new Map([['policy', 'rubbish']]));
    t.match((await policies('?node=worker-3')).items, [{ nodes: ['worker-3'], policy: 'rubbish' }]);
    await third.close();
  });

  await t.test('a node that reports and says nothing of its trust yet is missing', async (t) => {
    await fleet.add('infra-1', 'infra', { ...ordinary, sections: { trust: [] } });
    const { items } = await policies('?pool=infra');
    t.match(items, [{ nodes: ['infra-1'], policy: null }], 'an empty section is a report');
    t.match(await policies('?pool=gpu'), { items: [], coverage: { expected: 1, reporting: 0 } });
  });

  await t.test('questions that are none', async (t) => {
    const cases: readonly (readonly [string, number, string])[] = [
      ['/v1/policies?node=nowhere', 404, 'notFound'],
      ['/v1/policies?pool=nowhere', 404, 'notFound'],
      ['/v1/policies/sha256:0', 404, 'notFound'],
      ['/v1/policies?poool=worker', 400, 'unknownParameter'],
      ['/v1/pools/nowhere', 404, 'notFound'],
      ['/v1/pools/worker?asOf=never', 400, 'badParameter'],
      ['/v1/pools/worker?limit=1', 400, 'unknownParameter'],
    ];
    for (const [path, status, code] of cases) {
      t.match(await running.get(path), { status, body: { code } }, path);
    }
  });
});
