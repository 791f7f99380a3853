import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { AlertmanagerSink } from '../../../aggregator/alerts/alertmanager.ts';
import { retryDelayMs, type Target } from '../../../aggregator/alerts/delivery.ts';
import type { Notice } from '../../../aggregator/alerts/notice.ts';
import type { SinkOptions } from '../../../aggregator/alerts/sink.ts';
import { WebhookSink } from '../../../aggregator/alerts/webhook.ts';
import { keptLog } from '../../support/aggregator.ts';
import { AlertReceiver, type Behaviour } from '../../support/alert-receiver.ts';
import { NOW_MS, stillClock } from '../../support/cluster.ts';
import { tlsAuthority } from '../../support/tls-authority.ts';

function notice(id: string, change: Partial<Notice> = {}): Notice {
  return {
    apiVersion: 'nodeseal.dev/v1',
    kind: 'Alert',
    id,
    status: 'firing',
    alert: 'NodesealRuleFailing',
    severity: 'critical',
    rule: 'trust.default',
    title: 'Policy',
    summary: 'Policy: fails on 1 node: worker-1',
    count: 1,
    nodes: ['worker-1'],
    at: new Date(NOW_MS).toISOString(),
    startsAt: new Date(NOW_MS).toISOString(),
    labels: { cluster: 'prod' },
    ...change,
  };
}

interface Rig {
  readonly options: SinkOptions;
  readonly clock: ReturnType<typeof stillClock>;
  readonly log: ReturnType<typeof keptLog>;
  readonly counted: string[];
}
/** A receiver that hangs is given up after a second; others have all the time a slow machine needs. */
function rig(target: Target, timeoutMs = 60_000): Rig {
  const [clock, log, counted] = [stillClock(), keptLog(), [] as string[]];
  const counters = {
    sent: () => counted.push('sent'),
    failed: () => counted.push('failed'),
    dropped: (_sink: string, reason: string) => counted.push(reason),
  };
  const common = { name: 'webhook:x', timeoutMs, random: () => 1 };
  return { options: { ...common, target, clock, log, counters }, clock, log, counted };
}
const ids = (receiver: AlertReceiver): string =>
  receiver.received.map(({ body }) => (body as Notice).id).join(' ');

t.test('a webhook gets notices in order, with our token and over its own CA', async (t) => {
  const { ca, server } = tlsAuthority();
  await using receiver = await AlertReceiver.start(server);
  const folder = t.testdir({ 'ca.crt': ca, token: 'first\n' });
  const [tokenFile, caFile] = [join(folder, 'token'), join(folder, 'ca.crt')];
  const { options, counted } = rig({ url: `${receiver.url}/hook?x=1`, tokenFile, caFile });
  await using sink = new WebhookSink(options, []);
  sink.accept(notice('1'));
  sink.accept(notice('2'));
  sink.tick();
  await sink.idle();
  t.equal(ids(receiver), '1 2');
  t.match(receiver.received[0], {
    path: '/hook?x=1',
    authorization: 'Bearer first',
    body: notice('1'),
  });
  writeFileSync(tokenFile, 'second');
  sink.accept(notice('3'));
  sink.tick();
  await sink.idle();
  t.equal(receiver.received[2]?.authorization, 'Bearer second', 'a rotated token is read again');
  t.same(counted, ['sent', 'sent', 'sent']);
  t.match(sink.status(), { queued: 0, lastSuccessMs: NOW_MS, reason: undefined });
});

const failures: readonly (readonly [string, Behaviour, RegExp])[] = [
  ['answers 500', 500, /expected status 2xx, found 500/],
  ['redirects', 302, /found 302/],
  ['does not know us', 401, /found 401/],
  ['is too busy', 429, /found 429/],
  ['hangs', 'hang', /timeout/],
  ['closes', 'close', /socket hang up/],
  ['says headers without end', 'headers', /Header overflow|HPE_HEADER_OVERFLOW/],
  ['never ends its answer', 'endless', /timeout|aborted/],
];
for (const [name, behaviour, reason] of failures) {
  t.test(`a webhook that ${name} is tried again, later and later`, async (t) => {
    await using receiver = await AlertReceiver.start();
    receiver.behaviour = behaviour;
    const isSlow = behaviour === 'hang' || behaviour === 'endless';
    const { options, clock, counted, log } = rig({ url: receiver.url }, isSlow ? 1000 : 60_000);
    await using sink = new WebhookSink(options, []);
    sink.accept(notice('1'));
    sink.accept(notice('2'));
    for (const [count, waitMs] of [
      [1, 1000],
      [2, 2000],
      [3, 4000],
    ] as const) {
      sink.tick();
      await sink.idle();
      t.equal(receiver.received.length, count);
      t.match(sink.status(), { queued: 2, reason });
      clock.monotonic += waitMs - 1;
      sink.tick();
      await sink.idle();
      t.equal(receiver.received.length, count, 'not before its time');
      clock.monotonic += 1;
    }
    t.equal(log.lines.length, 1, 'the same reason is said once');
    receiver.behaviour = 204;
    sink.tick();
    await sink.idle();
    t.equal(ids(receiver), '1 1 1 1 2', 'nothing is lost, nothing overtakes');
    t.same(counted, ['failed', 'failed', 'failed', 'sent', 'sent']);
  });
}

t.test('a receiver that is not there, or is another, gets nothing', async (t) => {
  const { server } = tlsAuthority();
  await using receiver = await AlertReceiver.start(server);
  await using plain = await AlertReceiver.start();
  const folder = t.testdir({ 'other.crt': tlsAuthority('other').ca });
  const cases = [
    [{ url: 'http://127.0.0.1:1' }, /ECONNREFUSED/],
    [{ url: plain.url.replace('http', 'https') }, /wrong version|packet length|EPROTO/],
    [{ url: receiver.url, caFile: join(folder, 'other.crt') }, /certificate|self.signed/i],
    [{ url: receiver.url, tokenFile: join(folder, 'missing') }, /ENOENT/],
  ] as const;
  for (const [target, reason] of cases) {
    const { options } = rig(target);
    await using sink = new WebhookSink(options, []);
    sink.accept(notice('1'));
    sink.tick();
    await sink.idle();
    t.match(sink.status(), { queued: 1, reason });
  }
  t.equal(receiver.received.length, 0);
});

t.test('a receiver that leads elsewhere does not lead our token there', async (t) => {
  await using other = await AlertReceiver.start();
  await using receiver = await AlertReceiver.start();
  Object.assign(receiver, { behaviour: 307, elsewhere: other.url });
  const tokenFile = join(t.testdir({ token: 'secret\n' }), 'token');
  const { options } = rig({ url: receiver.url, tokenFile });
  await using sink = new WebhookSink(options, []);
  sink.accept(notice('1'));
  sink.tick();
  await sink.idle();
  t.match(sink.status(), { queued: 1, reason: /found 307/ });
  t.same(other.received, []);
});

t.test('a notice that can never be taken does not stop those after it', async (t) => {
  await using receiver = await AlertReceiver.start();
  const { options, counted } = rig({ url: receiver.url });
  await using sink = new WebhookSink(options, []);
  receiver.behaviour = 400;
  sink.accept(notice('1'));
  sink.accept(notice('old', { at: new Date(NOW_MS - 86_400_001).toISOString() }));
  sink.tick();
  await sink.idle();
  t.equal(ids(receiver), '1');
  t.same(counted, ['failed', 'refused', 'expired']);
  t.equal(sink.status().queued, 0);
});

t.test('a queue is bounded: the oldest are dropped and counted', async (t) => {
  await using receiver = await AlertReceiver.start();
  const { options, counted } = rig({ url: receiver.url });
  await using sink = new WebhookSink(options, []);
  for (let number = 1; number <= 1003; number++) sink.accept(notice(String(number)));
  t.same(counted, ['overflow', 'overflow', 'overflow']);
  t.equal(sink.waiting()[0]?.id, '4');
  sink.tick();
  await sink.idle();
  t.equal(receiver.received.length, 1000);
});

t.test('what was not delivered before a stop is delivered after it', async (t) => {
  await using receiver = await AlertReceiver.start();
  receiver.behaviour = 'hang';
  const { options } = rig({ url: receiver.url });
  const before = new WebhookSink({ ...options, timeoutMs: 60_000 }, []);
  before.accept(notice('1'));
  before.tick();
  await receiver.count(1);
  await before[Symbol.asyncDispose]();
  receiver.behaviour = 200;
  await using after = new WebhookSink(options, before.waiting());
  after.tick();
  await after.idle();
  t.equal(ids(receiver), '1 1');
});

interface Posted {
  readonly labels: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
}
const posted = (receiver: AlertReceiver, index: number): readonly Posted[] =>
  receiver.received[index]?.body as Posted[];

t.test('an Alertmanager', async (t) => {
  await using receiver = await AlertReceiver.start();
  const { options, clock, counted } = rig({ url: `${receiver.url}/prefix/` });
  await using sink = new AlertmanagerSink(options);
  const firing = [notice('1')];
  const step = async (alerts: readonly Notice[] = firing): Promise<void> => {
    sink.tick(alerts);
    await sink.idle();
  };

  await t.test('is told nothing while there is nothing', async (t) => {
    await step([]);
    t.equal(receiver.received.length, 0);
  });

  await t.test('is told an alert by labels that stay the same', async (t) => {
    sink.accept(notice('1'));
    await step();
    t.equal(receiver.received[0]?.path, '/prefix/api/v2/alerts');
    t.match(posted(receiver, 0), [
      {
        labels: {
          alertname: 'NodesealRuleFailing',
          cluster: 'prod',
          rule: 'trust.default',
          severity: 'critical',
        },
        annotations: { description: 'Policy: fails on 1 node: worker-1', count: '1' },
        startsAt: '2026-11-21T12:00:00.000Z',
        endsAt: '2026-11-21T12:05:00.000Z',
      },
    ]);
    sink.accept(notice('2', { count: 2 }));
    await step([notice('2', { count: 2 })]);
    t.same(posted(receiver, 1)[0]?.labels, posted(receiver, 0)[0]?.labels);
  });

  await t.test('is told again each minute, so that it does not take it for over', async (t) => {
    clock.monotonic += 59_999;
    await step();
    t.equal(receiver.received.length, 2);
    clock.monotonic += 1;
    await step();
    t.equal(receiver.received.length, 3);
  });

  await t.test('that fails is told what is so when it is back', async (t) => {
    receiver.behaviour = 503;
    sink.accept(notice('3', { rule: 'fips.mode' }));
    await step();
    await step();
    t.equal(receiver.received.length, 4, 'not at each tick');
    t.match(sink.status(), { queued: 1, reason: /found 503/ });
    receiver.behaviour = 200;
    clock.monotonic += 1000;
    await step([notice('4', { rule: 'fips.mode' })]);
    t.equal(posted(receiver, 4).length, 1);
    t.same(counted.slice(-2), ['failed', 'sent']);
  });

  await t.test('is told for a quarter of an hour that an alert is over', async (t) => {
    const endsAt = '2026-11-21T12:00:00.000Z';
    sink.accept(notice('5', { rule: 'fips.mode', status: 'resolved', endsAt }));
    await step([]);
    t.match(posted(receiver, 5), [{ labels: { rule: 'fips.mode' }, endsAt }]);
    clock.monotonic += 899_000;
    await step([]);
    t.equal(receiver.received.length, 7);
    clock.monotonic += 60_000;
    await step([]);
    t.equal(receiver.received.length, 7);
  });
});

t.test('waits grow to five minutes and differ by chance', async (t) => {
  const all = (random: number): readonly number[] =>
    [1, 2, 3, 10, 40].map((failures) => retryDelayMs(failures, () => random));
  t.same(all(1), [1000, 2000, 4000, 300_000, 300_000]);
  t.same(all(0), [500, 1000, 2000, 150_000, 150_000]);
});
