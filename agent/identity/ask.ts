import type { SecureContextOptions } from 'node:tls';
import { CodedError, messageOf } from '../../shared/errors.ts';

/** No answer that could be read; the message says why. */
export class AskError extends CodedError<'ERR_ASK'> {}

export interface Answer {
  readonly status: number;
  /** Undefined when it was no JSON. */
  readonly body: unknown;
}

const TIMEOUT_MS = 10_000;
const LIMIT_BYTES = 64 * 1024;

/** Sends JSON to the aggregator. `tls` is whom to trust and, where there is one, the certificate to show. */
export async function postJson(
  url: URL,
  body: object,
  tls: SecureContextOptions,
  signal?: AbortSignal,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const text = JSON.stringify(body);
  // For the whole of it: an answer that drips is none.
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const fail = (error: Error): void =>
    reject(limit.aborted ? new Error('no whole answer in 10 s') : error);
  const options = {
    method: 'POST',
    signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
    // A connection of its own: one that is kept could have been made with another certificate.
    agent: false as const,
    ...tls,
  };
  // Imported, node:http would load the whole of fetch and WebSocket for its names: 11 MB that stay resident.
  const name = url.protocol === 'https:' ? 'node:https' : 'node:http';
  const { request } = process.getBuiltinModule(name);
  const outgoing = request(url, options, (response) => {
    const chunks: Buffer[] = [];
    let length = 0;
    response.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > LIMIT_BYTES) outgoing.destroy(new Error('answer of more than 64 KiB'));
      else chunks.push(chunk);
    });
    response.on('error', fail);
    response.on('end', () => {
      const answer = parseJson(Buffer.concat(chunks).toString());
      resolve({ status: response.statusCode ?? 0, body: answer });
    });
  });
  outgoing.on('error', fail);
  outgoing.end(text);
  try {
    return await promise;
  } catch (cause) {
    throw new AskError('ERR_ASK', `${url.origin}: ${messageOf(cause)}`, { cause });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
