import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Problem } from '../shared/api.ts';
import { PROTOCOL, WS_OPTIONS } from '../shared/protocol.ts';
import { type Credentials, Refusal } from './identity/credentials.ts';
import type { AgentPrincipal } from './identity/principal.ts';
import { certificateOf } from './peer-certificate.ts';
import { AgentSession } from './session.ts';
import type { SessionContext } from './sessions.ts';

export interface UpgradeLimits {
  /** Connections between the upgrade and a valid `hello`, in all. */
  readonly handshakes: number;
  readonly handshakesPerSource: number;
}

/** Time for a refused peer to read why. */
const CLOSE_WITHIN_MS = 1000;

/** How long a server that is busy with handshakes asks others to wait. */
const BUSY_RETRY_SECONDS = 5;

/**
 * The way from an HTTP upgrade to a session: path, limits, subprotocol and credential are settled before the
 * handshake completes. The only WebSocket server.
 */
export class AgentUpgrade {
  readonly #credentials: Credentials;
  readonly #context: SessionContext;
  readonly #limits: UpgradeLimits;
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
    ...WS_OPTIONS,
  });
  readonly #unfinished = new Map<string, number>();
  #unfinishedInAll = 0;
  /** Connections that are no session yet. */
  readonly #waiting = new Set<Duplex>();
  #isClosed = false;

  constructor(credentials: Credentials, context: SessionContext, limits: UpgradeLimits) {
    this.#credentials = credentials;
    this.#context = context;
    this.#limits = limits;
  }

  /** Nobody is let in any more, and who waits for it is cut off: no session begins after this. */
  close(): void {
    this.#isClosed = true;
    for (const socket of this.#waiting) socket.destroy();
  }

  /** The listener of the HTTP server's `upgrade`. Never throws: what fails ends this connection only. */
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const onError = (): void => void socket.destroy();
    socket.on('error', onError);
    if (this.#isClosed) {
      socket.destroy();
      return;
    }
    this.#waiting.add(socket);
    socket.once('close', () => this.#waiting.delete(socket));
    const source = request.socket.remoteAddress ?? 'unknown';
    const release = this.#enter(source);
    if (release === undefined) {
      this.#context.metrics.admission.inc({ result: 'busy' });
      const refusal = new Refusal(503, 'busy', 'too many handshakes under way', BUSY_RETRY_SECONDS);
      refuse(socket, refusal);
      return;
    }
    socket.once('close', release);
    this.#authenticate(request, source)
      .then((caller) => {
        if (socket.destroyed) return;
        socket.off('error', onError);
        this.#server.handleUpgrade(request, socket, head, (webSocket) => {
          this.#context.metrics.admission.inc({ result: 'accepted' });
          const session = new AgentSession(webSocket, caller, this.#context, release);
          this.#context.sessions.add(session);
          this.#waiting.delete(socket);
        });
      })
      .catch((error: unknown) => {
        this.#context.metrics.admission.inc({ result: 'refused' });
        if (error instanceof Refusal && error.closeCode !== undefined && !socket.destroyed) {
          this.#dismiss(request, socket, head, error.closeCode, error.code);
          return;
        }
        if (!(error instanceof Refusal)) this.#context.log.error({ err: error }, 'upgrade failed');
        refuse(socket, error instanceof Refusal ? error : new Refusal(500, 'internal', 'failed'));
      });
  }

  /** Completes the handshake only to say by a close code what a node of ours may do now. */
  #dismiss(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    code: number,
    why: string,
  ): void {
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', () => webSocket.terminate());
      // What it still sends is not read: 30 s for its answer to the close frame end it.
      webSocket.close(code, why);
    });
  }

  async #authenticate(request: IncomingMessage, source: string): Promise<AgentPrincipal> {
    const path = (request.url ?? '').split('?')[0];
    if (path !== '/v1/agent') throw new Refusal(404, 'notFound', 'agents connect to /v1/agent');
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',');
    if (!offered.some((protocol) => protocol.trim() === PROTOCOL)) {
      throw new Refusal(426, 'protocol', `this server speaks: ${PROTOCOL}`);
    }
    const { authorization } = request.headers;
    const certificate = certificateOf(request.socket);
    const caller = await this.#credentials.identify({ authorization, certificate }, source);
    if (caller.kind === 'agent') return caller;
    throw new Refusal(403, 'notAnAgent', 'the credential is not one of a node');
  }

  /** Counts a handshake under way; what it returns ends the counting, once. Undefined when there are too many. */
  #enter(source: string): (() => void) | undefined {
    const ofSource = this.#unfinished.get(source) ?? 0;
    const { handshakes, handshakesPerSource } = this.#limits;
    if (this.#unfinishedInAll >= handshakes || ofSource >= handshakesPerSource) return undefined;
    this.#unfinishedInAll++;
    this.#unfinished.set(source, ofSource + 1);
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      this.#unfinishedInAll--;
      const left = (this.#unfinished.get(source) ?? 1) - 1;
      if (left === 0) this.#unfinished.delete(source);
      else this.#unfinished.set(source, left);
    };
  }
}

/** Answers an upgrade in plain HTTP and ends the connection. */
function refuse(socket: Duplex, refusal: Refusal): void {
  const title = STATUS_CODES[refusal.status] ?? 'Error';
  const problem: Problem & { readonly keepIdentity: true } = {
    type: 'about:blank',
    title,
    status: refusal.status,
    detail: refusal.message,
    code: refusal.code,
    keepIdentity: true,
  };
  const body = JSON.stringify(problem);
  const headers = [
    `HTTP/1.1 ${refusal.status} ${title}`,
    'Connection: close',
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(refusal.status === 426
      ? ['Upgrade: websocket', `Sec-WebSocket-Protocol: ${PROTOCOL}`]
      : []),
    ...(refusal.status === 401 ? ['WWW-Authenticate: Bearer'] : []),
    ...(refusal.retryAfterSeconds === undefined
      ? []
      : [`Retry-After: ${refusal.retryAfterSeconds}`]),
  ];
  socket.end(`${headers.join('\r\n')}\r\n\r\n${body}`);
  // A peer that keeps its end open would keep ours, and its place among the handshakes.
  setTimeout(() => socket.destroy(), CLOSE_WITHIN_MS).unref();
}
