import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { CodedError, messageOf } from '../../shared/errors.ts';

/** The API server did not answer, or not with what was asked for. The message never holds a token. */
export class KubernetesApiError extends CodedError<'ERR_KUBERNETES_API'> {}

/** Where the API server is, how it is known, and who we are there. */
export interface KubernetesServer {
  /** `https://…` */
  readonly url: string;
  /** PEM bundle the server's certificate must chain to. */
  readonly caFile: string;
  /** Our credential; read again for each request, the kubelet rotates it. */
  readonly tokenFile?: string;
  /** For one whole answer; 10 s when nothing is said. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
const LIMIT_BYTES = 1024 * 1024;

/** Asks the API server of a cluster for JSON. Every failure is a `KubernetesApiError`. */
export class KubernetesApi {
  readonly #server: KubernetesServer;

  constructor(server: KubernetesServer) {
    this.#server = server;
  }

  get(path: string): Promise<unknown> {
    return this.#ask('GET', path, undefined, 200);
  }

  /** Creates an object of the API; answers with it, as the server completed it. */
  create(path: string, object: object): Promise<unknown> {
    return this.#ask('POST', path, JSON.stringify(object), 201);
  }

  async #ask(
    method: string,
    path: string,
    body: string | undefined,
    expected: number,
  ): Promise<unknown> {
    try {
      const { status, text } = await this.#send(method, path, body);
      if (status !== expected) throw new Error(`expected status ${expected}, found ${status}`);
      return parseJson(text);
    } catch (cause) {
      const message = `${path}: ${messageOf(cause)}`;
      throw new KubernetesApiError('ERR_KUBERNETES_API', message, { cause });
    }
  }

  async #send(
    method: string,
    path: string,
    body: string | undefined,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const { url, caFile, tokenFile, timeoutMs = TIMEOUT_MS } = this.#server;
    const ca = await readFile(caFile);
    const token = tokenFile === undefined ? undefined : (await readFile(tokenFile, 'utf8')).trim();
    const headers = {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
    // For the whole of it: an answer that drips is none.
    const signal = AbortSignal.timeout(timeoutMs);
    const fail = (error: Error): void =>
      reject(signal.aborted ? new Error(`no whole answer in ${timeoutMs / 1000} s`) : error);
    const options = { method, ca, headers, signal };
    const outgoing = request(new URL(path, url), options, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > LIMIT_BYTES) outgoing.destroy(new Error('more than 1 MiB'));
        chunks.push(chunk);
      });
      response.on('error', fail);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
      );
    });
    outgoing.on('error', fail);
    outgoing.end(body);
    return await promise;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error('expected JSON', { cause });
  }
}
