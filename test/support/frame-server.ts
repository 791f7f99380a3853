import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { encodeFrame, readAgentFrame } from '../../shared/frames.ts';
import {
  type AgentFrame,
  type AggregatorFrame,
  LIMITS,
  type Welcome,
  WS_OPTIONS,
} from '../../shared/protocol.ts';

type FrameOf<T extends AgentFrame['type']> = Extract<AgentFrame, { readonly type: T }>;

/** The aggregator's end of one connection, frame by frame: what a test wants to send, it sends. */
export class Peer {
  readonly socket: WebSocket;
  readonly token: string | undefined;
  readonly received: AgentFrame[] = [];
  readonly closed: Promise<number>;
  #wake = Promise.withResolvers<void>();

  constructor(socket: WebSocket, request: IncomingMessage) {
    this.socket = socket;
    this.token = request.headers.authorization;
    socket.on('message', (data: Buffer) => {
      this.received.push(readAgentFrame(data));
      this.#wakeUp();
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', (code) => {
        resolve(code);
        this.#wakeUp();
      });
    });
  }

  send(frame: AggregatorFrame): void {
    this.socket.send(encodeFrame(frame));
  }

  welcome(change: Partial<Welcome> = {}): void {
    this.send(welcomeFrame(change));
  }

  /** The next frame of this type that was not taken yet, also one that came before the call. */
  async next<T extends AgentFrame['type']>(
    type: T,
    matches: (frame: FrameOf<T>) => boolean = () => true,
  ): Promise<FrameOf<T>> {
    for (;;) {
      const isWanted = (frame: AgentFrame): frame is FrameOf<T> =>
        frame.type === type && matches(frame as FrameOf<T>);
      const index = this.received.findIndex(isWanted);
      const [found] = index < 0 ? [] : this.received.splice(index, 1);
      if (found !== undefined && isWanted(found)) return found;
      if (this.socket.readyState === this.socket.CLOSED) throw new Error(`closed before ${type}`);
      await this.#wake.promise;
    }
  }

  #wakeUp(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}

export function welcomeFrame(change: Partial<Welcome> = {}): Welcome {
  return {
    type: 'welcome',
    session: 1,
    node: 'node-1',
    server: { id: 'test', version: '0.1.0', timeMs: Date.now() },
    have: { epoch: '', sequence: 0, sections: {} },
    limits: {
      frameBytes: LIMITS.frameBytes,
      inflight: LIMITS.inflight,
      inflightBytes: LIMITS.inflightBytes,
      heartbeatSeconds: 60,
    },
    reconnectSpreadSeconds: 0.01,
    authenticatedUntilMs: null,
    ...change,
  };
}

/** A WebSocket server on loopback that leaves every answer to the test. */
export class FrameServer implements AsyncDisposable {
  readonly #http: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, ...WS_OPTIONS });
  readonly #peers: Peer[] = [];
  #wake = Promise.withResolvers<void>();
  /** Instead of upgrading: this answer, as often as there are entries. */
  readonly refusals: string[] = [];

  private constructor() {
    this.#http = createServer();
    this.#http.on('upgrade', (request, socket, head) => {
      const refusal = this.refusals.shift();
      if (refusal !== undefined) {
        socket.on('error', () => {});
        socket.end(refusal);
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
        this.#peers.push(new Peer(webSocket, request));
        this.#wake.resolve();
        this.#wake = Promise.withResolvers();
      });
    });
  }

  static async listen(port = 0): Promise<FrameServer> {
    const server = new FrameServer();
    server.#http.listen(port, '127.0.0.1');
    await once(server.#http, 'listening');
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  /** The next connection that was not taken yet. */
  async peer(): Promise<Peer> {
    for (;;) {
      const peer = this.#peers.shift();
      if (peer !== undefined) return peer;
      await this.#wake.promise;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    const closed = once(this.#http, 'close');
    this.#http.close();
    this.#http.closeAllConnections();
    await closed;
  }
}
