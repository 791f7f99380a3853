import { EventEmitter } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { mock } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { openEventStream } from '../../../aggregator/api/event-stream.ts';
import { Watchers } from '../../../aggregator/watchers.ts';
import { LiveStreams } from '../../../aggregator/web/live.ts';

/** An answer of Node's own that has no socket to go out by: it is as if its reader read nothing, ever. */
function unread(): { readonly response: ServerResponse; readonly failures: unknown[] } {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  const failures: unknown[] = [];
  response.on('error', (error) => failures.push(error));
  return { response, failures };
}

const MINUTE_MS = 60_000;

t.test('a stream that ended and whose reader reads nothing is left alone', async (t) => {
  mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
  t.teardown(() => mock.timers.reset());

  await t.test('of the API', async (t) => {
    const { response, failures } = unread();
    const connection = new Socket();
    const stream = openEventStream(
      { takeOver: () => ({ response, connection }) },
      'watching',
      () => {},
    );
    stream.send('simulation', { state: 'done' });
    stream.end();
    mock.timers.tick(MINUTE_MS);
    await setImmediate();
    t.same(failures, []);
  });

  await t.test('of the page', async (t) => {
    const { response, failures } = unread();
    const watchers = new Watchers();
    const streams = new LiveStreams({ watch: (listener) => watchers.add(listener) });
    const connection = new EventEmitter();
    streams.start({ response, connection }, async () => false);
    for (let second = 0; second < 60; second++) {
      mock.timers.tick(1000);
      await setImmediate();
    }
    t.same(failures, []);
    t.ok(response.writableEnded);
    t.ok(watchers.isEmpty, 'and is told of nothing any more');
  });
});

t.test('a reader that reads too slowly is cut off', async (t) => {
  const { response } = unread();
  let closed = 0;
  const stream = openEventStream(
    { takeOver: () => ({ response, connection: new Socket() }) },
    'watching',
    () => closed++,
  );
  for (let sent = 0; sent < 5_000_000 && !response.destroyed; sent += 100_000) {
    stream.send('events', { fill: 'x'.repeat(100_000) });
  }
  await setImmediate();
  t.ok(response.destroyed);
  t.equal(closed, 1);
  stream.send('events', {});
  stream.end();
  await setImmediate();
});
