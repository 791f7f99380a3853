import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import t from 'tap';
import { runAggregator } from '../../support/aggregator.ts';
import { tlsAuthority } from '../../support/tls-authority.ts';

/** RFC 8446 §5.1: a record of a kind, of TLS 1.2 as all say on the wire. */
function record(kind: number, body: Uint8Array, length = body.length): Buffer {
  const head = Buffer.from([kind, 3, 3, length >> 8, length & 0xff]);
  return Buffer.concat([head, body]);
}

/** A ClientHello (RFC 8446 §4.1.2) that asks for a server of this name. */
function hello(name: string): Buffer {
  const vector = (size: 1 | 2 | 3, body: Uint8Array): Buffer => {
    const length = Buffer.alloc(size);
    length.writeUIntBE(body.length, 0, size);
    return Buffer.concat([length, body]);
  };
  const names = vector(2, Buffer.concat([Buffer.of(0), vector(2, Buffer.from(name))]));
  const extensions = vector(2, Buffer.concat([Buffer.of(0, 0), vector(2, names)]));
  const suites = vector(2, Buffer.of(0xc0, 0x2b, 0xc0, 0x2f));
  const fixed = Buffer.concat([Buffer.of(3, 3), Buffer.alloc(32, 7), Buffer.of(0)]);
  const body = Buffer.concat([fixed, suites, Buffer.of(1, 0), extensions]);
  return record(22, Buffer.concat([Buffer.of(1), vector(3, body)]));
}

/** However it comes about: a reset is an end as well. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once('close', () => resolve()));
}

const BYTES: readonly (readonly [name: string, bytes: Buffer])[] = [
  ['HTTP', Buffer.from('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n')],
  ['noise', Buffer.from(Array.from({ length: 500 }, (_, at) => (at * 37) & 0xff))],
  ['a hello of SSL 2', Buffer.from('802e0100020015000000100100800200800300800400800500', 'hex')],
  ['a hello of SSL 3', Buffer.from('1603000029010000250300', 'hex')],
  ['a record that is too long', record(22, Buffer.alloc(20_000), 0xffff)],
  ['an empty hello', record(22, Buffer.of(1, 0, 0, 0))],
  ['a hello that says it is 16 MiB', record(22, Buffer.of(1, 0xff, 0xff, 0xff))],
  ['application data first', record(23, Buffer.alloc(100))],
  ['a finished first', record(22, Buffer.of(20, 0, 0, 12, ...Buffer.alloc(12)))],
  ['10,000 empty records', Buffer.concat(Array(10_000).fill(record(22, Buffer.alloc(0))))],
  ['10,000 warnings', Buffer.concat(Array(10_000).fill(record(21, Buffer.of(1, 90))))],
  ['a name of 15,000 letters', hello('a'.repeat(15_000))],
  ['a name with a NUL', hello('127.0.0.1\0.evil.test')],
  ['a name that is none', hello('\ud800 \u202e ../..')],
];

t.test('bytes that are no TLS, at a port that speaks it', async (t) => {
  const { ca, server: keys } = tlsAuthority();
  const folder = t.testdir({ 'tls.crt': keys.cert, 'tls.key': '' });
  writeFileSync(join(folder, 'tls.key'), keys.key);
  const tls = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') };
  await using server = await runAggregator(join(folder, 'aggregator'), { tls });
  const port = Number(new URL(server.url).port);

  const answersOthers = async (): Promise<boolean> => {
    const [response] = await once(
      request(`${server.url}/healthz`, { ca, agent: false }).end(),
      'response',
    );
    response.resume();
    return response.statusCode === 200;
  };

  for (const [name, bytes] of BYTES) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    let answer = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk]);
    });
    // Whoever waits for the rest is ended by its own end.
    socket.end(bytes);
    await closeOf(socket);
    t.notMatch(answer.toString('latin1'), /HTTP\/1|status/, `${name}: no answer in the clear`);
    t.ok(await answersOthers(), `${name}: others are answered`);
  }

  await t.test('of a version that is too old', async (t) => {
    for (const version of ['TLSv1', 'TLSv1.1'] as const) {
      const ciphers = 'DEFAULT@SECLEVEL=0';
      const old = {
        ca,
        port,
        host: '127.0.0.1',
        minVersion: version,
        maxVersion: version,
        ciphers,
      };
      await t.rejects(
        once(connectTls(old), 'secureConnect'),
        { code: /VERSION|PROTOCOL|ALERT/ },
        version,
      );
    }
  });

  await t.test('a client that shakes hands over and over', async (t) => {
    const options = { ca, port, host: '127.0.0.1', maxVersion: 'TLSv1.2' } as const;
    const socket = connectTls(options);
    await once(socket, 'secureConnect');
    const ended = closeOf(socket);
    socket.on('error', () => {});
    socket.resume();
    const again = (): void => {
      if (!socket.destroyed) socket.renegotiate({}, (error) => error ?? setImmediate(again));
    };
    again();
    await ended;
    t.ok(await answersOthers());
  });
  t.notMatch(server.log.lines.join('\n'), /request failed|upgrade failed/, 'no failure inside');
});
