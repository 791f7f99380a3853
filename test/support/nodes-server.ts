import { EventEmitter, once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tlsAuthority } from './tls-authority.ts';

/** A Node as the API server has it, with some of what we do not read. */
export interface NodeObject {
  readonly metadata: { readonly name: string; readonly uid: string; resourceVersion: string };
  readonly spec: { readonly unschedulable?: boolean; readonly podCIDR: string };
  readonly status: { readonly conditions: readonly { type: string; status: string }[] };
}

export const NODES_TOKEN = 'api-token';

export function nodeObject(
  name: string,
  {
    uid = `uid-of-${name}`,
    ready = 'True',
    unschedulable = false,
  }: { readonly uid?: string; readonly ready?: string; readonly unschedulable?: boolean } = {},
): NodeObject {
  return {
    metadata: { name, uid, resourceVersion: '0' },
    spec: { podCIDR: '10.128.0.0/23', ...(unschedulable ? { unschedulable } : {}) },
    status: {
      conditions: [
        { type: 'MemoryPressure', status: 'False' },
        { type: 'Ready', status: ready },
      ],
    },
  };
}

/**
 * The part of an API server that tells of nodes, over real TLS on loopback: pages with `limit` and `continue`, watches
 * from a resource version, bookmarks, 410 for what it has forgotten, 401 without the token.
 */
export class NodesServer implements AsyncDisposable {
  readonly ca: string;
  /** `https://127.0.0.1:PORT`. */
  url = '';
  readonly requests: URL[] = [];
  /** Answers in place of the server when it is set. */
  instead: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  readonly #server: Server;
  readonly #nodes = new Map<string, NodeObject>();
  readonly #history: { readonly version: number; readonly line: string }[] = [];
  readonly #watches = new Set<ServerResponse>();
  readonly #asked = new EventEmitter();
  #version = 1000;
  #oldest = 0;

  private constructor() {
    const { ca, server } = tlsAuthority();
    this.ca = ca;
    this.#server = createServer(server, (request, response) => this.#answer(request, response));
  }

  static async start(port = 0): Promise<NodesServer> {
    const nodes = new NodesServer();
    nodes.#server.listen(port, '127.0.0.1');
    await once(nodes.#server, 'listening');
    // It listens on a port.
    nodes.url = `https://127.0.0.1:${(nodes.#server.address() as AddressInfo).port}`;
    return nodes;
  }

  set(node: NodeObject): void {
    const type = this.#nodes.has(node.metadata.name) ? 'MODIFIED' : 'ADDED';
    this.#nodes.set(node.metadata.name, node);
    this.#record(type, node);
  }

  remove(name: string): void {
    const node = this.#nodes.get(name);
    this.#nodes.delete(name);
    if (node !== undefined) this.#record('DELETED', node);
  }

  /** Tells watches how far they are. */
  bookmark(): void {
    this.#tell(this.#line('BOOKMARK', { metadata: { resourceVersion: `${this.#version}` } }));
  }

  /** Forgets all that was, as etcd's compaction does: who watches on from there is told 410. */
  forget(): void {
    this.#oldest = ++this.#version;
    this.#history.length = 0;
  }

  /** Sends anything to who watches. */
  say(text: string): void {
    this.#tell(text);
  }

  /** Ends the watches: properly, as after `timeoutSeconds`, or by cutting the connection. */
  endWatches(how: 'end' | 'cut'): void {
    for (const watch of this.#watches) {
      if (how === 'end') watch.end();
      else watch.destroy();
    }
  }

  /** Resolves when one more request for which this holds was answered. */
  async next(matches: (url: URL) => boolean = () => true): Promise<URL> {
    for (;;) {
      const [url] = (await once(this.#asked, 'asked')) as [URL];
      if (matches(url)) return url;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', this.url);
    this.requests.push(url);
    response.on('error', () => {});
    if (this.instead !== undefined) this.instead(request, response);
    else if (request.headers.authorization !== `Bearer ${NODES_TOKEN}`) refuse(response, 401);
    else if (url.pathname !== '/api/v1/nodes') refuse(response, 404);
    else if (url.searchParams.get('watch') === '1') this.#watch(url, response);
    else this.#list(url, response);
    setImmediate(() => this.#asked.emit('asked', url));
  }

  #list({ searchParams }: URL, response: ServerResponse): void {
    const start = Number(searchParams.get('continue') ?? 0);
    const limit = Number(searchParams.get('limit') ?? 500);
    const all = [...this.#nodes.values()];
    const items = all.slice(start, start + limit);
    const metadata = {
      resourceVersion: String(this.#version),
      ...(start + limit < all.length ? { continue: String(start + limit) } : {}),
    };
    response.end(JSON.stringify({ kind: 'NodeList', apiVersion: 'v1', metadata, items }));
  }

  #watch({ searchParams }: URL, response: ServerResponse): void {
    const from = Number(searchParams.get('resourceVersion'));
    response.writeHead(200, { 'content-type': 'application/json' });
    if (from < this.#oldest) {
      const object = { kind: 'Status', code: 410, message: 'too old resource version' };
      response.end(this.#line('ERROR', object));
      return;
    }
    response.flushHeaders();
    for (const { version, line } of this.#history) if (version > from) response.write(line);
    this.#watches.add(response);
    response.on('close', () => this.#watches.delete(response));
  }

  #record(type: string, node: NodeObject): void {
    this.#version++;
    node.metadata.resourceVersion = String(this.#version);
    const line = this.#line(type, { kind: 'Node', apiVersion: 'v1', ...node });
    this.#history.push({ version: this.#version, line });
    this.#tell(line);
  }

  #line(type: string, object: object): string {
    return `${JSON.stringify({ type, object })}\n`;
  }

  #tell(text: string): void {
    for (const watch of this.#watches) watch.write(text);
  }
}

function refuse(response: ServerResponse, code: number): void {
  const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message: 'Refused' };
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(status));
}
