import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { mock } from 'node:test';
import t, { type Test } from 'tap';
import { openEventStream } from '../../aggregator/api/event-stream.ts';
import { Fleet } from '../../aggregator/fleet.ts';
import { openSqlite } from '../../aggregator/store/sqlite.ts';
import { LiveStreams } from '../../aggregator/web/live.ts';
import { stillClock } from '../support/cluster.ts';

interface Asked {
  readonly client: Socket;
  readonly response: ServerResponse;
}

/** A request over a real connection, as the server has it. */
async function ask(t: Test): Promise<Asked> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  t.teardown(() => client.destroy());
  client.on('error', () => {});
  const asked = once(server, 'request');
  client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const [, response] = (await asked) as [unknown, ServerResponse];
  return { client, response };
}

/** As while a credential was looked up: who asked is gone before the answer begins. */
async function askAndLeave(t: Test): Promise<ServerResponse> {
  const { client, response } = await ask(t);
  const gone = once(response, 'close');
  client.destroy();
  await gone;
  return response;
}

function streamOf(response: ServerResponse, onClose: () => void) {
  const { socket: connection } = response.req;
  return openEventStream({ takeOver: () => ({ response, connection }) }, 'hello', onClose);
}

t.test('who goes away before a stream begins is not told for ever', async (t) => {
  const response = await askAndLeave(t);
  await new Promise<void>((resolve) => void streamOf(response, resolve));
  t.pass('it is closed');
});

t.test('who goes away before the page is told of changes is not watched for', async (t) => {
  const clock = stillClock();
  const store = openSqlite({ path: join(t.testdir(), 'n.db'), clock });
  t.teardown(() => store[Symbol.asyncDispose]());
  const thresholds = { lateMs: 44_000, silentMs: 300_000, staleMs: 86_400_000 };
  const fleet = await Fleet.load({ store, clock, thresholds, inventory: [] });
  const streams = new LiveStreams(fleet);
  streams.start(await askAndLeave(t), async () => true);
  t.notOk(fleet.isWatched);
  const { client, response } = await ask(t);
  streams.start(response, async () => true);
  t.ok(fleet.isWatched);
  const gone = once(response, 'close');
  client.destroy();
  await gone;
  t.notOk(fleet.isWatched);
});

t.test('nothing follows the end, however slowly it is read', async (t) => {
  const { client, response } = await ask(t);
  client.pause();
  mock.timers.enable({ apis: ['setInterval'] });
  t.teardown(() => mock.timers.reset());
  const faults: Error[] = [];
  response.on('error', (error) => faults.push(error));
  const stream = streamOf(response, () => {});
  // More than the system takes from one who does not read, less than what cuts him off.
  while (response.writableLength < 1_000_000) stream.send('big', 'x'.repeat(120_000));
  stream.end();
  mock.timers.tick(60_000);
  await new Promise(setImmediate);
  t.same(faults, []);
});
