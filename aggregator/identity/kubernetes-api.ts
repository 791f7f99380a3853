import { CodedError, messageOf } from '../../shared/errors.ts';
import { type Outgoing, open, readBody, toJson } from '../outgoing.ts';

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
  /** For one request, from connecting to the last byte; 10 s when nothing is said. */
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
    return this.#ask('GET', path, {}, 200);
  }

  /** Creates an object of the API; answers with it, as the server completed it. */
  create(path: string, object: object): Promise<unknown> {
    const headers = { 'content-type': 'application/json' };
    return this.#ask('POST', path, { headers, body: JSON.stringify(object) }, 201);
  }

  async #ask(
    method: 'GET' | 'POST',
    path: string,
    content: Pick<Outgoing, 'headers' | 'body'>,
    expected: number,
  ): Promise<unknown> {
    const { url, caFile, tokenFile, timeoutMs = TIMEOUT_MS } = this.#server;
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const request = { url: new URL(path, url), method, caFile, tokenFile, signal, ...content };
      const answer = await open(request);
      const text = await readBody(answer, LIMIT_BYTES);
      const { statusCode: status } = answer;
      if (status !== expected) throw new Error(`expected status ${expected}, found ${status}`);
      return toJson(text);
    } catch (cause) {
      const message = `${path}: ${messageOf(cause)}`;
      throw new KubernetesApiError('ERR_KUBERNETES_API', message, { cause });
    }
  }
}
