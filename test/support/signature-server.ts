import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** Answers a request; a server that gives no answer for a path says 404. */
export type Answers = (request: IncomingMessage, response: ServerResponse) => void;

export interface ServerKeys {
  readonly key: string;
  readonly cert: string;
}

/** A server on loopback that answers as a test says and remembers what it was asked. */
export class SignatureServer implements AsyncDisposable {
  /** `http://127.0.0.1:PORT` or https. */
  readonly origin: string;
  readonly #server: ReturnType<typeof createServer>;
  readonly requests: { readonly path: string; readonly authorization?: string }[];

  private constructor(
    server: ReturnType<typeof createServer>,
    scheme: string,
    requests: SignatureServer['requests'],
  ) {
    this.#server = server;
    this.origin = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on a port
    this.requests = requests;
  }

  static async start(answers: Answers, keys?: ServerKeys): Promise<SignatureServer> {
    const requests: { path: string; authorization?: string }[] = [];
    const listener: Answers = (request, response) => {
      const { authorization } = request.headers;
      requests.push({ path: request.url ?? '', ...(authorization ? { authorization } : {}) });
      // What the peer gives up on is no trouble of the server's.
      response.on('error', () => {});
      answers(request, response);
    };
    const server = keys === undefined ? createServer(listener) : createTlsServer(keys, listener);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new SignatureServer(server, keys === undefined ? 'http' : 'https', requests);
  }

  /** `127.0.0.1:PORT`, the host of references. */
  get host(): string {
    return new URL(this.origin).host;
  }

  count(part: string): number {
    return this.requests.filter(({ path }) => path.includes(part)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }
}

/** A signature of a lookaside or a blob, as `path: bytes`; a number is a status, a text a place to go to. */
export type Content = Buffer | number | string;

/** The answers of a tree of files, by the end of their path. */
export function filesAnswer(files: Readonly<Record<string, Content>>): Answers {
  return ({ url = '' }, response) => {
    const content = Object.entries(files).find(([end]) => url.endsWith(end))?.[1] ?? 404;
    if (typeof content === 'number') response.writeHead(content).end();
    else if (typeof content === 'string') response.writeHead(302, { location: content }).end();
    else response.end(content);
  };
}

/** Never answers. */
export const hangs: Answers = () => {};

/** Sends so many bytes without saying how many they are, as fast as they are taken. */
export function floods(bytes: number): Answers {
  return (_request, response) => {
    const piece = Buffer.alloc(64 * 1024, 0xa3);
    let sent = 0;
    const send = (): void => {
      while (sent < bytes && !response.destroyed) {
        sent += piece.length;
        if (!response.write(piece)) return void response.once('drain', send);
      }
      response.end();
    };
    send();
  };
}

/** What a registry of one image serves. */
export interface RegistryContent {
  readonly manifest: Buffer;
  /** Answer to `/v2/` as to headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The manifest of the attachments. */
  readonly attachments?: { readonly type: string; readonly body: Buffer };
  /** By digest. */
  readonly blobs?: Readonly<Record<string, Content>>;
  readonly extension?: Content;
  /** Path to answer, for what is in no registry. */
  readonly files?: Readonly<Record<string, Content>>;
}

/** The answers of a registry without a guard. */
export function registryAnswers(content: RegistryContent): Answers {
  const digest = `sha256:${createHash('sha256').update(content.manifest).digest('hex')}`;
  const type = 'application/vnd.oci.image.manifest.v1+json';
  return (request, response) => {
    const { url = '', method } = request;
    const answer = (found: Content | undefined, contentType = 'application/octet-stream'): void => {
      if (found === undefined) {
        const errors = [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }];
        response.writeHead(404).end(JSON.stringify({ errors }));
      } else if (typeof found === 'number') response.writeHead(found).end();
      else if (typeof found === 'string') response.writeHead(307, { location: found }).end();
      else {
        response.writeHead(200, {
          'content-type': contentType,
          'content-length': found.length,
          'docker-content-digest': digest,
        });
        response.end(method === 'HEAD' ? undefined : found);
      }
    };
    if (url === '/v2/') return void response.writeHead(200, content.headers ?? {}).end('{}');
    if (url.includes('/extensions/')) return answer(content.extension);
    if (url.endsWith('.sig')) return answer(content.attachments?.body, content.attachments?.type);
    if (url.includes('/manifests/')) return answer(content.manifest, type);
    if (url.includes('/blobs/'))
      return answer(content.blobs?.[url.slice(url.lastIndexOf('/') + 1)]);
    filesAnswer(content.files ?? {})(request, response);
  };
}

/** A manifest of attachments with these layers in it. */
export function attachmentsOf(
  layers: readonly {
    readonly payload: Buffer;
    readonly annotations: Readonly<Record<string, string>>;
  }[],
): { readonly type: string; readonly body: Buffer; readonly blobs: Record<string, Buffer> } {
  const blobs: Record<string, Buffer> = {};
  const described = layers.map(({ payload, annotations }) => {
    const digest = `sha256:${createHash('sha256').update(payload).digest('hex')}`;
    blobs[digest] = payload;
    const mediaType = 'application/vnd.dev.cosign.simplesigning.v1+json';
    return { mediaType, digest, size: payload.length, annotations };
  });
  const type = 'application/vnd.oci.image.manifest.v1+json';
  const config = {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    digest: `sha256:${'0'.repeat(64)}`,
    size: 2,
  };
  const body = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: type, config, layers: described }),
  );
  return { type, body, blobs };
}

export const USER = 'puller';
export const PASSWORD = 'p4ss:word';
const BASIC = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;

/** Lets in who says user and password. */
export function basicGuard(answers: Answers): Answers {
  return (request, response) => {
    if (request.headers.authorization === BASIC) return answers(request, response);
    response.writeHead(401, { 'www-authenticate': 'Basic realm="registry"' }).end();
  };
}

/** Lets in who brings a token for the repository, which is given for user and password at `/token`. */
export function bearerGuard(answers: Answers): Answers {
  return (request, response) => {
    const { url = '', headers } = request;
    const { pathname, searchParams } = new URL(url, 'http://registry');
    if (pathname === '/token') {
      const scope = searchParams.get('scope') ?? '';
      const isKnown = headers.authorization === BASIC && searchParams.get('service') === 'test';
      if (!isKnown) return void response.writeHead(401).end();
      return void response.end(JSON.stringify({ token: Buffer.from(scope).toString('base64url') }));
    }
    const [, repository = ''] =
      /^\/(?:extensions\/)?v2\/(.+?)\/(?:manifests|blobs|signatures)\//.exec(url) ?? [];
    const token = Buffer.from(`repository:${repository}:pull`).toString('base64url');
    if (headers.authorization === `Bearer ${token}`) return answers(request, response);
    const challenge = `Bearer realm="http://${headers.host}/token",service="test"`;
    response.writeHead(401, { 'www-authenticate': challenge }).end();
  };
}
