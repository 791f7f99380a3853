import t from 'tap';
import { readServerEvents, type ServerEvent } from '../../cli/sse.ts';

const STREAM =
  ': watching\n\nevent: nodes\ndata: {"ü":1}\n\nevent: a\r\ndata: one\r\ndata: two\r\n\r\ndata:x\rid: 7\r\r: alive\n\n';
const EXPECTED: readonly ServerEvent[] = [
  { event: 'nodes', data: '{"ü":1}' },
  { event: 'a', data: 'one\ntwo' },
  { event: '', data: 'x' },
];

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

for (const size of [1, 2, 3, 7, 1000]) {
  t.test(`events in chunks of ${size} bytes`, async (t) => {
    const chunks = inChunks(Buffer.from(STREAM), size);
    t.same(await Array.fromAsync(readServerEvents(chunks, 'server')), EXPECTED);
  });
}

t.test('an event that is cut off is no event', async (t) => {
  const chunks = inChunks(Buffer.from('data: half'), 4);
  t.same(await Array.fromAsync(readServerEvents(chunks, 'server')), []);
});

t.test('an event without end is refused', async (t) => {
  async function* endless(): AsyncGenerator<Uint8Array, void> {
    yield Buffer.from('data: ');
    for (;;) yield Buffer.alloc(1024 * 1024, 'x');
  }
  await t.rejects(Array.fromAsync(readServerEvents(endless(), 'server')), {
    code: 'ERR_CLI_UNREACHABLE',
  });
});
