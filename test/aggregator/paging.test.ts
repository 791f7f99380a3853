import t from 'tap';
import type { NodeList } from '../../shared/api.ts';
import { type RunningAggregator, runAggregator } from '../support/aggregator.ts';

const NAMES = ['c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];

async function page(
  server: RunningAggregator,
  token: string | undefined,
): Promise<{ readonly names: readonly string[]; readonly next: string | undefined }> {
  const more = token === undefined ? '' : `&continue=${encodeURIComponent(token)}`;
  const { body } = await server.get(`/v1/nodes?limit=3${more}`);
  const { items, continue: next } = body as NodeList;
  return { names: items.map(({ name }) => name), next };
}

t.test('pages of nodes skip and repeat none, whoever joins or leaves in between', async (t) => {
  await using server = await runAggregator(t.testdir(), {
    bootstrapAgent: undefined,
    inventory: NAMES.map((name) => ({ name, pool: 'p' })),
  });
  const steps: readonly (() => Promise<unknown>)[] = [
    // They stand before what was shown: whoever counts places is now off by as many.
    async () => {
      await server.post('/v1/tokens', { kind: 'agent', name: 'a' });
      await server.post('/v1/tokens', { kind: 'agent', name: 'b' });
    },
    async () => {
      for (const name of ['a', 'b', 'c', 'd', 'e']) {
        t.equal((await server.post(`/v1/nodes/${name}/retire`)).status, 200, name);
      }
    },
  ];
  const seen: string[] = [];
  let token: string | undefined;
  for (const step of [...steps, undefined]) {
    const { names, next } = await page(server, token);
    seen.push(...names);
    await step?.();
    token = next;
  }
  t.same(seen, NAMES);
  t.equal(token, undefined, 'and the last says that it is');
  for (const bad of ['x', 'WzFd', Buffer.from('["a","b","c","d","e"]').toString('base64url')]) {
    t.match(await server.get(`/v1/nodes?continue=${bad}`), { status: 400 }, bad);
  }
});
