import { readFile } from 'node:fs/promises';
import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';

/** A request of ours to a server that somebody configured. */
export interface Outgoing {
  /** `http://…` or `https://…`. */
  readonly url: string | URL;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** PEM certificates to trust in place of the system's; read at each request, since such files are rotated. */
  readonly caFile?: string | undefined;
  /** Sent as bearer token; read at each request, as above. */
  readonly tokenFile?: string | undefined;
  /** Ends the request, its answer and all. */
  readonly signal: AbortSignal;
}

/**
 * The answer as soon as its head is there; whoever asked reads the body. Redirects are not followed: a credential goes
 * to the server it is for. Rejects with what the files, the connection, TLS or the signal say.
 */
export async function open(outgoing: Outgoing): Promise<IncomingMessage> {
  const { caFile, tokenFile, signal, method = 'GET', body } = outgoing;
  const url = new URL(outgoing.url);
  const headers: Record<string, string> = { ...outgoing.headers };
  if (tokenFile !== undefined) {
    headers['authorization'] = `Bearer ${(await readFile(tokenFile, 'utf8')).trim()}`;
  }
  if (body !== undefined) headers['content-length'] = String(Buffer.byteLength(body));
  const ca = caFile === undefined ? {} : { ca: await readFile(caFile) };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = { method, headers, signal, agent: false } as const;
  const request =
    url.protocol === 'https:'
      ? requestTls(url, { ...options, ...ca }, resolve)
      : requestPlain(url, options, resolve);
  request.on('error', (error) => reject(signal.aborted ? signal.reason : error));
  request.end(body);
  return await promise;
}

/** Text of an answer that is at most so long, in bytes; a longer one is cut off and rejects. */
export async function readBody(answer: IncomingMessage, limitBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer) {
    // No encoding is set, so that chunks are bytes.
    const bytes = chunk as Buffer;
    length += bytes.length;
    if (length > limitBytes) throw new Error(`an answer of more than ${limitBytes} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString();
}

/** JSON that a server answered with. Throws when it is none, without its text: it may be a page of anything. */
export function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error('expected JSON', { cause });
  }
}
