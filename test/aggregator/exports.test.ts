import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { Json } from '../../shared/canonical.ts';
import { EXPORT_FORMATS } from '../../shared/exports/index.ts';
import { AgentClient, state } from '../support/agent-client.ts';
import { type RunningAggregator, runAggregator } from '../support/aggregator.ts';
import { HOSTILE_NAMES, image, ruleResult } from '../support/exports.ts';
import { conforms, jsonSchema, resourceSchema, xmlSchema } from '../support/schemas.ts';

const INVENTORY = [{ name: 'gpu-7', pool: 'gpu' }];

async function report(
  server: RunningAggregator,
  checks: readonly (readonly [string, Json])[],
): Promise<AgentClient> {
  const agent = await AgentClient.connect(server.url, server.agentToken);
  const images = new Map([
    ['1', { ...image('quay.io/a:1', 'accepted', `sha256:${'1'.repeat(64)}`) }],
  ]);
  for (const [section, items] of [
    ['checks', new Map(checks)],
    ['images', images],
  ] as const) {
    agent.send(state(section, items as ReadonlyMap<string, Json>));
    await agent.next('stateApplied', (frame) => frame.section === section);
  }
  return agent;
}

function item(
  ruleId: string,
  change: Parameters<typeof ruleResult>[1] = {},
): readonly [string, Json] {
  // Results of rules are JSON.
  return [ruleId, { ...ruleResult(ruleId, change) } as unknown as Json];
}

const CHECKS = [
  item('b.rule', { result: 'fail' }),
  item('a.rule'),
  ['c.broken', { ruleId: 7, result: 'pass' }],
] as const;

t.test('a fleet of which one node reports', async (t) => {
  const folder = t.testdir();
  await using server = await runAggregator(folder, { inventory: INVENTORY });
  const agent = await report(server, CHECKS);

  await t.test('is exported in every format', async (t) => {
    for (const format of EXPORT_FORMATS) {
      const { status, type, body } = await server.get(`/v1/exports/${format.id}`);
      t.equal(status, 200, format.id);
      t.equal(type, format.mediaType);
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      t.match(text, /gpu-7/, 'the node that never reported is in it');
      t.match(text, /never seen/);
    }
    const { body: sarif } = await server.get(
      '/v1/exports/sarif?link=https://seal.example.com:8443/',
    );
    await conforms(t, jsonSchema('sarif-schema-2.1.0.json'), sarif);
    const { body: oscal } = await server.get('/v1/exports/oscal');
    await conforms(t, jsonSchema('oscal_assessment-results_schema.json'), oscal);
    const { body: reports } = await server.get('/v1/exports/openreports');
    const schema = resourceSchema('openreports.io_reports.yaml', 'v1alpha1');
    await conforms(t, schema, ...(reports as { readonly items: readonly unknown[] }).items);
    const { body: junit } = await server.get('/v1/exports/junit');
    await conforms(t, xmlSchema('junit-10.xsd'), String(junit));
    t.match(sarif, { runs: [{ properties: { link: 'https://seal.example.com:8443' } }] });
  });

  await t.test('what a node sent and cannot be read is an error, never a pass', async (t) => {
    const rows = String((await server.get('/v1/exports/csv')).body)
      .split('\n')
      .map((line) => line.split(','));
    t.strictSame(
      rows.slice(2, 6).map(([, , node, , , , rule, , outcome]) => [node, rule, outcome]),
      [
        ['gpu-7', 'coverage.reporting', 'unknown'],
        ['node-1', 'a.rule', 'pass'],
        ['node-1', 'b.rule', 'fail'],
        ['node-1', 'c.broken', 'error'],
      ],
    );
  });

  await t.test('a part of it has the coverage of that part', async (t) => {
    const cases = [
      ['', '1 of 2 nodes'],
      ['?pool=gpu', '0 of 1 node'],
      ['?pool=gpu,default', '1 of 2 nodes'],
      ['?node=node-1', '1 of 1 node'],
      ['?state=expected', '0 of 1 node'],
      ['?pool=nowhere', '0 of 0 nodes'],
    ] as const;
    for (const [query, coverage] of cases) {
      const { body } = await server.get(`/v1/exports/csv${query}`);
      t.match(String(body), `${coverage} reporting`, query);
    }
  });

  await t.test('refuses what it does not understand', async (t) => {
    const cases = [
      ['sarif?node=nobody', 404, 'notFound'],
      ['sarif?state=asleep', 400, 'badParameter'],
      ['sarif?asOf=yesterday', 400, 'badParameter'],
      ['sarif?asOf=1h&state=online', 400, 'badParameter'],
      ['sarif?link=javascript:alert(1)', 400, 'badParameter'],
      ['sarif?link=https://user:secret@example.com', 400, 'badParameter'],
      ['sarif?limit=3', 400, 'unknownParameter'],
      ['pdf', 404, 'notFound'],
    ] as const;
    for (const [path, status, code] of cases) {
      const answer = await server.get(`/v1/exports/${path}`);
      t.equal(answer.status, status, path);
      t.match(answer.body, { code });
    }
    t.equal((await server.get('/v1/exports/sarif', null)).status, 401, 'nobody');
    t.equal((await server.get('/v1/exports/sarif', server.agentToken)).status, 403, 'a node');
  });

  await t.test('is in the audit log, and described', async (t) => {
    const lines = (await readFile(join(folder, 'audit.jsonl'), 'utf8')).trim().split('\n');
    const asked = lines.map((line): { what: string; outcome: number } => JSON.parse(line));
    t.match(
      asked.filter(({ what }) => what === 'GET /v1/exports/junit'),
      [{ outcome: 200, who: /./ }, {}],
    );
    const { body } = await server.get('/openapi.json');
    for (const { id, mediaType } of EXPORT_FORMATS) {
      t.match(body, {
        paths: {
          [`/v1/exports/${id}`]: { get: { responses: { 200: { content: { [mediaType]: {} } } } } },
        },
      });
    }
  });
  await agent.close();
});

t.test('a former time is exported as it was known then', async (t) => {
  let nowMs = Date.parse('2026-11-21T12:00:00Z');
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  await using server = await runAggregator(t.testdir(), {}, clock);
  const first = await report(server, [item('a.rule', { result: 'fail' })]);
  await first.close();
  nowMs += 3_600_000;
  const second = await report(server, [item('a.rule')]);
  const outcomeAt = async (query: string): Promise<string | undefined> => {
    const { body } = await server.get(`/v1/exports/csv${query}`);
    return /a\.rule,,(\w+)/.exec(String(body))?.[1];
  };
  t.equal(await outcomeAt(''), 'pass');
  t.equal(await outcomeAt('?asOf=30m'), 'fail');
  t.match((await server.get('/v1/exports/csv?asOf=30m')).body, '1 of 1 node reporting as of 2026');
  t.match((await server.get('/v1/exports/csv?asOf=2d')).body, '0 of 0 nodes reporting as of 2026');
  await second.close();
});

t.test('names that do something elsewhere do nothing here', async (t) => {
  await using server = await runAggregator(t.testdir(), {
    inventory: HOSTILE_NAMES.map((name) => ({ name, pool: name })),
  });
  for (const format of EXPORT_FORMATS) {
    const { status, body } = await server.get(`/v1/exports/${format.id}`);
    t.equal(status, 200, format.id);
    t.notMatch(
      typeof body === 'string' ? body.replaceAll('\n', '') : '',
      /\p{Cc}|[\u202a-\u202e]/u,
    );
  }
});

t.test('who goes away in the middle leaves the aggregator as it was', async (t) => {
  const inventory = Array.from({ length: 5000 }, (_, at) => ({ name: `node-${at}`, pool: 'p' }));
  await using server = await runAggregator(t.testdir(), { inventory });
  const headers = { authorization: `Bearer ${server.adminToken}` };
  const answer = await fetch(`${server.url}/v1/exports/oscal`, { headers });
  await answer.body?.cancel();
  const { status, body } = await server.get('/v1/exports/csv');
  t.equal(status, 200);
  t.match(String(body).split('\n'), { length: 5003 }, 'the next export is whole');
  t.notOk(server.log.lines.some((line) => line.startsWith('request failed')));
});

t.test('a store that cannot be used is a problem, not half an export', async (t) => {
  await using server = await runAggregator(t.testdir());
  await server.aggregator.store[Symbol.asyncDispose]();
  const { status, body } = await server.get('/v1/exports/sarif');
  t.equal(status, 503);
  t.match(body, { code: 'storeUnavailable' });
});
