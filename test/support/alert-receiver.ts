import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ServerKeys } from './signature-server.ts';

/** How a receiver treats what it gets: a status, or one of the ways servers fail. */
export type Behaviour = number | 'hang' | 'close' | 'endless' | 'headers';

export interface Received {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

/** Takes POSTs on loopback, remembers each, and behaves as told. */
export class AlertReceiver implements AsyncDisposable {
  readonly received: Received[] = [];
  behaviour: Behaviour = 200;
  /** Where a redirect leads. */
  elsewhere = '';
  url = '';
  readonly #server: ReturnType<typeof createServer>;
  readonly #got = new EventEmitter();

  private constructor(keys: ServerKeys | undefined) {
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      response.on('error', () => {});
      void this.#take(request, response);
    };
    this.#server = keys === undefined ? createServer(listener) : createTlsServer(keys, listener);
  }

  static async start(keys?: ServerKeys): Promise<AlertReceiver> {
    const receiver = new AlertReceiver(keys);
    receiver.#server.listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    // It listens on a port.
    const { port } = receiver.#server.address() as AddressInfo;
    receiver.url = `${keys === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
    return receiver;
  }

  /** Resolves when so many were received in all. */
  async count(count: number): Promise<void> {
    while (this.received.length < count) await once(this.#got, 'got');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const { authorization } = request.headers;
    this.received.push({ path: request.url ?? '', authorization, body: JSON.parse(text) });
    if (this.behaviour === 'close') response.destroy();
    else if (this.behaviour === 'endless') response.writeHead(200).write('{"status":');
    else if (this.behaviour === 'headers') {
      response.socket?.write(`HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(50_000)}`);
    } else if (this.behaviour !== 'hang') {
      response.writeHead(this.behaviour, { location: this.elsewhere }).end('{}');
    }
    this.#got.emit('got');
  }
}
