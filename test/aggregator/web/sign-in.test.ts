import t from 'tap';
import type { AuditList } from '../../../shared/api-admission.ts';
import type { Clock } from '../../../shared/clock.ts';
import { systemClock } from '../../../shared/clock.ts';
import { runAggregator } from '../../support/aggregator.ts';
import { PageClient } from '../../support/page-client.ts';

const HOUR_MS = 3_600_000;

/** The system's clock, put on by hand. */
class AdvancedClock implements Clock {
  aheadMs = 0;
  nowMs = (): number => systemClock.nowMs() + this.aheadMs;
  monotonicMs = (): number => systemClock.monotonicMs() + this.aheadMs;
}

t.test('who wants to see a page', async (t) => {
  const clock = new AdvancedClock();
  await using server = await runAggregator(t.testdir(), {}, clock);
  const { url, adminToken, agentToken } = server;

  await t.test('is asked for a token first, whatever the page', async (t) => {
    const stranger = new PageClient(url);
    for (const path of ['/', '/nodes', '/nodes/node-1?tab=raw', '/simulate', '/no-such-page']) {
      const { status, headers, text } = await stranger.get(path);
      t.equal(status, 303, path);
      t.equal(headers.get('location'), `/sign-in?${new URLSearchParams({ next: path })}`, path);
      t.equal(text, '', path);
    }
    t.equal((await stranger.get('/live')).status, 401);
    t.equal((await stranger.post('/theme', { theme: 'dark' })).status, 401);
    t.equal((await stranger.post('/nodes/node-1/rescan', {})).status, 401);
  });

  await t.test('is told what is wrong with a token', async (t) => {
    const cases = [
      ['', 401, 'expected &quot;Authorization: Bearer'],
      ['nsu_0123', 401, 'the token is unknown, expired or revoked'],
      ['a b', 401, 'expected'],
      [agentToken, 403, 'this needs the role viewer'],
    ] as const;
    for (const [token, expected, words] of cases) {
      const { status, text } = await new PageClient(url).submit('/sign-in', '/sign-in', { token });
      t.equal(status, expected, token);
      t.ok(text.includes(`Not signed in: ${words}`), text);
      t.notOk(token !== '' && text.includes(token), 'a token is not shown again');
    }
  });

  await t.test('gets a cookie that no script and no other site can use', async (t) => {
    const client = new PageClient(url);
    await client.get('/sign-in');
    const form = client.cookies.get('nodeseal-form') ?? '';
    const fields = { formToken: form, token: ` ${adminToken}\n`, next: '/nodes?pool=a' };
    const { status, headers } = await client.post('/sign-in', fields);
    t.equal(status, 303);
    t.equal(headers.get('location'), '/nodes?pool=a');
    const [line = ''] = headers.getSetCookie();
    t.match(line, /^nodeseal-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    t.notOk(line.includes(adminToken));
  });

  await t.test('is not signed in by a form of another site', async (t) => {
    const client = new PageClient(url);
    await client.get('/sign-in');
    const formToken = client.cookies.get('nodeseal-form') ?? '';
    const cases = [
      [{ token: adminToken }, {}],
      [{ token: adminToken, formToken: 'x'.repeat(43) }, {}],
      [{ token: adminToken, formToken }, { 'sec-fetch-site': 'cross-site' }],
      [{ token: adminToken, formToken }, { 'sec-fetch-site': 'same-site' }],
    ] as const;
    for (const [fields, headers] of cases) {
      const { status } = await client.post('/sign-in', fields as Record<string, string>, headers);
      t.equal(status, 403);
      t.notOk(client.cookies.has('nodeseal-session'));
    }
  });

  await t.test('sends with each form what only our pages know', async (t) => {
    const client = await PageClient.signIn(url, adminToken);
    for (const path of ['/theme', '/sign-out', '/nodes/node-1/rescan', '/simulate']) {
      t.equal((await client.post(path, { theme: 'dark' })).status, 403, path);
      t.equal((await client.post(path, { formToken: 'x' })).status, 403, path);
    }
    t.equal((await client.get('/')).status, 200, 'still signed in');
    const away = await client.submit('/', '/theme', { theme: 'dark', back: '//evil.example/' });
    t.equal(away.headers.get('location'), '/');
    t.ok((await client.get('/')).text.includes('data-theme="dark"'));
    t.equal((await client.submit('/', '/theme', { theme: 'pink' })).status, 400);
  });

  await t.test('sees pages that load nothing from elsewhere', async (t) => {
    const client = await PageClient.signIn(url, adminToken);
    for (const path of ['/', '/nodes/nobody', '/sign-in']) {
      const { headers, text } = await client.get(path);
      t.equal(
        headers.get('content-security-policy'),
        "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'",
      );
      t.equal(headers.get('x-content-type-options'), 'nosniff');
      t.equal(headers.get('referrer-policy'), 'no-referrer');
      t.equal(headers.get('cache-control'), 'no-store');
      t.notMatch(
        text,
        /<style|<script(?! (?:defer|type="module") src="\/assets\/)|\sstyle=|\son\w+=/,
      );
      for (const [, asset = ''] of text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)) {
        const file = await new PageClient(url).get(asset);
        t.equal(file.status, 200, asset);
        t.equal(file.headers.get('cache-control'), 'public, max-age=31536000, immutable');
      }
    }
    t.equal((await client.get('/assets/page-0000000000000000.js')).status, 404);
    t.equal((await client.get('/assets/..%2fpackage.json')).status, 404);
  });

  await t.test('may do what the role of the token may', async (t) => {
    const { body } = await server.post('/v1/tokens', { kind: 'user', name: 'eve', role: 'viewer' });
    const { token, item } = body as { token: string; item: { id: string } };
    const client = await PageClient.signIn(url, token);
    t.match((await client.get('/coverage')).text, /You may not see this.*role admin/s);
    t.match((await client.get('/simulate')).text, /You may not see this.*role operator/s);
    t.notMatch((await client.get('/nodes/node-1')).text, /Look at everything now/);
    const formToken =
      /name="formToken" value="([\w-]+)"/.exec((await client.get('/')).text)?.[1] ?? '';
    const refused = await client.post('/nodes/node-1/rescan', { formToken });
    t.equal(refused.status, 403);
    t.match(refused.text, /You may not see this.*role operator/s);

    const answer = await fetch(`${url}/v1/tokens/${item.id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${adminToken}` },
    });
    t.equal(answer.status, 200);
    t.equal((await client.get('/')).status, 303, 'a session ends with its token');
  });

  await t.test(
    'is asked again after an hour without use, and after twelve at the latest',
    async (t) => {
      const client = await PageClient.signIn(url, adminToken);
      clock.aheadMs += 0.9 * HOUR_MS;
      t.equal((await client.get('/')).status, 200);
      clock.aheadMs += 1.1 * HOUR_MS;
      t.equal((await client.get('/')).status, 303);
      const busy = await PageClient.signIn(url, adminToken);
      for (let hours = 0.9; hours < 13; hours += 0.9) {
        t.equal((await busy.get('/')).status, 200, `${hours}`);
        clock.aheadMs += 0.9 * HOUR_MS;
      }
      t.equal((await busy.get('/')).status, 303);
    },
  );

  await t.test('has twenty browsers at most', async (t) => {
    const clients: PageClient[] = [];
    for (let count = 0; count < 21; count++) clients.push(await PageClient.signIn(url, adminToken));
    t.equal((await clients[0]?.get('/'))?.status, 303);
    t.equal((await clients[1]?.get('/'))?.status, 200);
  });

  await t.test('is in the audit log, once for a page that refreshes itself', async (t) => {
    const client = await PageClient.signIn(url, adminToken);
    await client.get('/nodes?state=late');
    await client.get('/nodes?state=late');
    const { body } = await server.get('/v1/audit');
    const lines = (body as AuditList).items.map(
      ({ what, who, outcome }) => `${who} ${what} ${outcome}`,
    );
    t.equal(lines.filter((line) => line === 'admin GET /nodes?state=late 200').length, 1);
    t.ok(lines.includes('admin POST /sign-in 303'));
  });

  await t.test('is told of parameters that mean nothing', async (t) => {
    const client = await PageClient.signIn(url, adminToken);
    const cases = [
      ['/nodes?stat=late', 400, 'did you mean &quot;state&quot;?'],
      ['/nodes?state=lat', 400, 'expected &quot;late&quot;'],
      ['/nodes/node-1?tab=x', 400, 'expected one of summary'],
      ['/nodes/nobody', 404, 'node &quot;nobody&quot;: not known'],
      ['/nodes/%3Cscript%3E', 404, '&lt;script&gt;'],
      ['/checks/x.y', 404, 'not known'],
      ['/simulate/x', 404, 'not known'],
      ['/images?continue=x', 400, 'continue'],
      ['/nothing', 404, 'no such path'],
    ] as const;
    for (const [path, expected, words] of cases) {
      const { status, text } = await client.get(path);
      t.equal(status, expected, path);
      t.ok(text.includes(words), `${path}: ${text}`);
    }
  });

  await t.test('who guesses has to wait', async (t) => {
    const client = new PageClient(url);
    const attempt = async () => await client.submit('/sign-in', '/sign-in', { token: 'nsu_guess' });
    let answer = await attempt();
    for (let count = 0; count < 30 && answer.status === 401; count++) answer = await attempt();
    t.equal(answer.status, 429);
    t.match(answer.headers.get('retry-after'), /^\d+$/);
    t.match(answer.text, /too many failed attempts: try again in \d+ s/);
  });
});
