import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { encodeFrame, readAgentFrame, readAggregatorFrame } from '../../shared/frames.ts';
import { type Frame, WS_OPTIONS } from '../../shared/protocol.ts';

/** What becomes of one frame on its way. */
export type Fate =
  | 'pass'
  | 'drop'
  | 'twice'
  /** Changes places with the next of its direction. */
  | 'swap'
  /** Waits, with all that come after it in its direction, until `release`. */
  | 'hold'
  /** Passes, and an earlier frame of its direction comes once more behind it. */
  | 'replay'
  /** Ends the connection without a word; the frame is gone. */
  | 'cut'
  /** It and all behind it wait so long. */
  | { readonly delayMs: number }
  | { readonly instead: unknown };

export interface Passing {
  readonly direction: 'up' | 'down';
  readonly frame: Frame;
  /** Of its direction and connection, from 1. */
  readonly number: number;
}

/** So many frames of a direction can come once more. */
const REMEMBERED = 16;

/** Stands between an agent and an aggregator and decides of every frame what becomes of it; by default it passes. */
export class FrameProxy implements AsyncDisposable {
  /** Asked for each frame. */
  fate: (passing: Passing) => Fate = () => 'pass';
  readonly #upstream: string;
  readonly #http: Server = createServer();
  readonly #sockets = new WebSocketServer({ noServer: true, ...WS_OPTIONS });
  readonly #pairs = new Set<Pair>();
  #connections = 0;

  private constructor(upstream: string) {
    this.#upstream = upstream.replace('http', 'ws');
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  static async listen(upstream: string): Promise<FrameProxy> {
    const proxy = new FrameProxy(upstream);
    proxy.#http.listen(0, '127.0.0.1');
    await once(proxy.#http, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  /** How many connections there have been. */
  get connections(): number {
    return this.#connections;
  }

  /** Ends every connection without a word to either side. */
  cut(): void {
    for (const pair of this.#pairs) pair.cut();
  }

  /** What was held goes on its way. */
  release(): void {
    for (const pair of this.#pairs) pair.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    const closed = once(this.#http, 'close');
    this.#http.close();
    this.#http.closeAllConnections();
    await closed;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => {});
    const { authorization = '', 'sec-websocket-protocol': protocols = '' } = request.headers;
    const upstream = new WebSocket(`${this.#upstream}${request.url}`, protocols.split(/\s*,\s*/), {
      ...WS_OPTIONS,
      headers: { authorization },
    });
    const early: Buffer[] = [];
    const keep = (data: Buffer): number => early.push(data);
    upstream.on('message', keep);
    upstream.on('error', () => socket.destroy());
    upstream.on('unexpected-response', (_, { statusCode, headers }) => {
      const wait = headers['retry-after'];
      const retry = wait === undefined ? '' : `Retry-After: ${wait}\r\n`;
      socket.end(`HTTP/1.1 ${statusCode} Refused\r\nConnection: close\r\n${retry}\r\n`);
      upstream.terminate();
    });
    upstream.on('open', () => {
      this.#sockets.handleUpgrade(request, socket, head, (agent) => {
        this.#connections++;
        upstream.off('message', keep);
        const pair = new Pair(agent, upstream, (passing) => this.fate(passing));
        this.#pairs.add(pair);
        agent.on('close', () => this.#pairs.delete(pair));
        for (const data of early) pair.down.take(data);
      });
    });
    socket.on('close', () => upstream.terminate());
  }
}

/** One agent's connection and the one made for it. */
class Pair {
  readonly down: Way;
  readonly #up: Way;
  readonly #ends: readonly WebSocket[];

  constructor(agent: WebSocket, upstream: WebSocket, fate: FrameProxy['fate']) {
    const cut = (): void => this.cut();
    this.#ends = [agent, upstream];
    this.#up = new Way(upstream, (passing) => fate({ ...passing, direction: 'up' }), cut);
    this.down = new Way(agent, (passing) => fate({ ...passing, direction: 'down' }), cut);
    agent.on('message', (data: Buffer) => this.#up.take(data));
    upstream.on('message', (data: Buffer) => this.down.take(data));
    for (const [end, other] of [
      [agent, upstream],
      [upstream, agent],
    ] as const) {
      end.on('error', () => {});
      end.on('close', (code, reason) => {
        if (code >= 3000) other.close(code, reason);
        else other.terminate();
      });
    }
  }

  cut(): void {
    for (const end of this.#ends) end.terminate();
  }

  release(): void {
    this.#up.release();
    this.down.release();
  }
}

/** One direction. */
class Way {
  readonly #to: WebSocket;
  readonly #fate: (passing: Omit<Passing, 'direction'>) => Fate;
  readonly #cut: () => void;
  #number = 0;
  #swapped: Buffer | undefined;
  #held: Buffer[] | undefined;
  readonly #recent: Buffer[] = [];
  #line: Promise<void> = Promise.resolve();

  constructor(to: WebSocket, fate: (passing: Omit<Passing, 'direction'>) => Fate, cut: () => void) {
    this.#to = to;
    this.#fate = fate;
    this.#cut = cut;
  }

  take(data: Buffer): void {
    const fate = this.#fate({ frame: frameOf(data), number: ++this.#number });
    if (fate === 'cut') {
      this.#cut();
      return;
    }
    if (fate === 'hold' || this.#held !== undefined) {
      this.#held ??= [];
      this.#held.push(data);
      return;
    }
    if (typeof fate === 'object' && 'delayMs' in fate) this.#wait(fate.delayMs);
    if (fate === 'swap' && this.#swapped === undefined) {
      this.#swapped = data;
      return;
    }
    if (typeof fate === 'object' && 'instead' in fate)
      this.#send(encodeFrame(fate.instead as Frame));
    else if (fate !== 'drop') this.#send(data);
    if (fate === 'twice') this.#send(data);
    if (fate === 'replay') this.#send(this.#recent[0] ?? data);
    if (this.#swapped !== undefined) this.#send(this.#swapped);
    this.#swapped = undefined;
    this.#recent.push(data);
    if (this.#recent.length > REMEMBERED) this.#recent.shift();
  }

  release(): void {
    for (const data of this.#held ?? []) this.#send(data);
    this.#held = undefined;
  }

  #wait(delayMs: number): void {
    this.#line = this.#line.then(
      () => new Promise((resolve) => void setTimeout(resolve, delayMs).unref()),
    );
  }

  #send(data: Buffer): void {
    this.#line = this.#line.then(() => {
      if (this.#to.readyState === WebSocket.OPEN) this.#to.send(data, { binary: true }, () => {});
    });
  }
}

function frameOf(data: Buffer): Frame {
  try {
    return readAgentFrame(data);
  } catch {
    return readAggregatorFrame(data);
  }
}
