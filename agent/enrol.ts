import { access, open, readFile, rename } from 'node:fs/promises';
import { request } from 'node:https';
import { getBuiltinModule } from 'node:process';
import * as v from 'valibot';
import { CodedError, messageOf } from '../shared/errors.ts';
import type { AggregatorLink } from './config.ts';

/** The aggregator gave no credential; the message says why and never holds a token. */
export class EnrolError extends CodedError<
  'ERR_ENROL_TOKEN' | 'ERR_ENROL_REFUSED' | 'ERR_ENROL_ANSWER'
> {}

const TIMEOUT_MS = 10_000;
const LIMIT_BYTES = 64 * 1024;

const enrolledSchema = v.object({ token: v.pipe(v.string(), v.regex(/^[\x21-\x7e]{16,4096}$/)) });
const problemSchema = v.object({ detail: v.pipe(v.string(), v.maxLength(500)) });

/**
 * Makes sure that the node has a credential of its own: when there is none and a join token is configured, asks the
 * aggregator for one under `name` and keeps it in `tokenFile`. A credential that is there is never replaced. `signal` gives
 * up the question under way.
 */
export async function enrolIfNew(
  link: AggregatorLink,
  name: string,
  signal?: AbortSignal,
): Promise<void> {
  const { joinTokenFile, tokenFile } = link;
  if (joinTokenFile === undefined || (await exists(tokenFile))) return;
  const joinToken = (await readFile(joinTokenFile, 'utf8')).trim();
  if (joinToken === '') throw new EnrolError('ERR_ENROL_TOKEN', `${joinTokenFile}: empty`);
  await keep(tokenFile, await enrol(link, joinToken, name, signal));
}

async function enrol(
  link: AggregatorLink,
  token: string,
  name: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const question = JSON.stringify({ token, name });
  const { status, body } = await post(link, '/v1/enroll', question, signal);
  if (status !== 200 && status !== 201) {
    const problem = v.safeParse(problemSchema, parseJson(body));
    const why = problem.success ? problem.output.detail : `HTTP ${status}`;
    throw new EnrolError('ERR_ENROL_REFUSED', `${link.url}: refused to enrol ${name}: ${why}`);
  }
  const enrolled = v.safeParse(enrolledSchema, parseJson(body));
  if (enrolled.success) return enrolled.output.token;
  throw new EnrolError('ERR_ENROL_ANSWER', `${link.url}: expected a credential in the answer`);
}

async function post(
  { url, caFile }: AggregatorLink,
  path: string,
  body: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly status: number; readonly body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const target = new URL(path, url.replace(/^ws/, 'http'));
  const options = {
    method: 'POST',
    timeout: TIMEOUT_MS,
    ...(signal === undefined ? {} : { signal }),
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    ...(caFile === undefined ? {} : { ca: await readFile(caFile) }),
  };
  // Imported, node:http would load the whole of fetch and WebSocket for its names: 11 MB that stay resident.
  const send = target.protocol === 'https:' ? request : getBuiltinModule('node:http').request;
  const outgoing = send(target, options, (response) => {
    const chunks: Buffer[] = [];
    let length = 0;
    response.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > LIMIT_BYTES) outgoing.destroy(new Error('answer of more than 64 KiB'));
      else chunks.push(chunk);
    });
    response.on('error', reject);
    response.on('end', () =>
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
    );
  });
  outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in 10 s')));
  outgoing.on('error', reject);
  outgoing.end(body);
  try {
    return await promise;
  } catch (cause) {
    throw new EnrolError('ERR_ENROL_ANSWER', `${target.origin}: ${messageOf(cause)}`, { cause });
  }
}

/** Whole or not at all, and readable by its owner only. */
async function keep(file: string, token: string): Promise<void> {
  await using written = await open(`${file}.new`, 'w', 0o600);
  await written.writeFile(`${token}\n`);
  await written.sync();
  await rename(`${file}.new`, file);
}

async function exists(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
