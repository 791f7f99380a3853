import type { KeyObject } from 'node:crypto';
import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SecureContextOptions } from 'node:tls';
import * as v from 'valibot';
import { CodedError } from '../shared/errors.ts';
import type { AggregatorLink } from './config.ts';
import { type Answer, AskError, postJson } from './identity/ask.ts';
import { findPinned, readJoinToken } from './identity/ca-pin.ts';
import { certificateRequest } from './identity/certificate-request.ts';
import { readText, readTextIfThere, writePrivate } from './identity/credential-file.ts';

/** The aggregator gave no credential; the message says why and never holds a token. */
export class EnrolError extends CodedError<
  'ERR_ENROL_TOKEN' | 'ERR_ENROL_REFUSED' | 'ERR_ENROL_ANSWER'
> {}

/** What the aggregator gave. */
export type Given =
  | { readonly kind: 'certificate'; readonly pem: string }
  | { readonly kind: 'token'; readonly token: string }
  /** An administrator has to approve the node: ask again with the same key. */
  | { readonly kind: 'pending'; readonly pollSeconds: number };

const answerSchema = v.union([
  v.object({ certificate: v.pipe(v.string(), v.maxLength(16_384)) }),
  v.object({ token: v.pipe(v.string(), v.regex(/^[\x21-\x7e]{16,4096}$/)) }),
  v.object({
    kind: v.literal('EnrolmentPending'),
    pollSeconds: v.pipe(v.number(), v.minValue(1), v.maxValue(3600)),
  }),
]);
const problemSchema = v.object({
  code: v.optional(v.pipe(v.string(), v.maxLength(100)), 'unknown'),
  detail: v.pipe(v.string(), v.maxLength(500)),
});

/**
 * Makes sure that the node has a token of its own: when there is none and a join token is configured, asks the
 * aggregator for one under `name` and keeps it in `tokenFile`. A token that is there is never replaced. `signal` gives
 * up the question under way.
 */
export async function enrolIfNew(
  link: AggregatorLink,
  name: string,
  signal?: AbortSignal,
): Promise<void> {
  if (link.joinTokenFile === undefined || (await exists(link.tokenFile))) return;
  const given = await enrol(link, name, undefined, signal);
  if (given.kind !== 'token') throw unexpected(link);
  await writePrivate(link.tokenFile, `${given.token}\n`);
}

/** Asks to be let in by the join token; with a key, for a certificate. Throws `EnrolError`, `AskError`, `PinError`. */
export async function enrol(
  link: AggregatorLink,
  name: string,
  key: KeyObject | undefined,
  signal?: AbortSignal,
): Promise<Given> {
  const { joinTokenFile = '' } = link;
  const { token, pin } = readJoinToken(await readText(joinTokenFile));
  if (token === '') throw new EnrolError('ERR_ENROL_TOKEN', `${joinTokenFile}: empty`);
  const csr = key === undefined ? {} : { csr: certificateRequest(key) };
  const url = addressOf(link, '/v1/enroll');
  if (pin === undefined) {
    const answer = await ask(link, url, { token, name, ...csr }, await trustOf(link), signal);
    return givenIn(answer, link, `refused to enrol ${name}`);
  }
  if (url.protocol !== 'https:') {
    const message = `${joinTokenFile}: the join token pins a key, ${link.url} has none: expected https`;
    throw new EnrolError('ERR_ENROL_TOKEN', message);
  }
  // The token is sent only to who has the pinned key, or a certificate from it.
  const pinned = await findPinned(url, pin, signal);
  const answer = await ask(link, url, { token, name, ...csr }, trustIn(pinned), signal);
  const given = givenIn(answer, link, `refused to enrol ${name}`);
  await writePrivate(pinnedFileOf(link), pinned);
  return given;
}

/** A certificate for `key`, by the one that is shown now. Throws `EnrolError`, `AskError`. */
export async function renew(
  link: AggregatorLink,
  key: KeyObject,
  shown: SecureContextOptions,
  signal?: AbortSignal,
): Promise<string> {
  const url = addressOf(link, '/v1/renew');
  const tls = { ...(await trustOf(link)), ...shown };
  const answer = await ask(link, url, { csr: certificateRequest(key) }, tls, signal);
  const given = givenIn(answer, link, 'refused to renew the certificate');
  if (given.kind === 'certificate') return given.pem;
  throw unexpected(link);
}

/**
 * Whom to trust: `caFile`, else the key that the join token pinned, else what the system trusts. Throws when what was
 * pinned is there and cannot be read: nobody is trusted in its place.
 */
export async function trustOf(link: AggregatorLink): Promise<SecureContextOptions> {
  if (link.caFile !== undefined) return { ca: await readText(link.caFile) };
  const pinned = await readTextIfThere(pinnedFileOf(link));
  return pinned === undefined ? {} : trustIn(pinned);
}

/** One certificate and nothing else, be it an authority's or the server's own. */
function trustIn(pem: string): SecureContextOptions {
  return { ca: pem, allowPartialTrustChain: true };
}

function pinnedFileOf({ tokenFile, certificateFile }: AggregatorLink): string {
  return join(dirname(certificateFile ?? tokenFile), 'aggregator-ca.crt');
}

function addressOf({ url }: AggregatorLink, path: string): URL {
  return new URL(path, url.replace(/^ws/, 'http'));
}

async function ask(
  link: AggregatorLink,
  url: URL,
  body: object,
  tls: SecureContextOptions,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  try {
    return await postJson(url, body, tls, signal);
  } catch (cause) {
    if (!(cause instanceof AskError)) throw cause;
    throw new EnrolError('ERR_ENROL_ANSWER', `${link.url}: ${cause.message}`, { cause });
  }
}

function givenIn({ status, body }: Answer, link: AggregatorLink, what: string): Given {
  if (![200, 201, 202].includes(status)) {
    const problem = v.safeParse(problemSchema, body);
    const { code, detail } = problem.success
      ? problem.output
      : { code: 'unknown', detail: `HTTP ${status}` };
    const cause = new CodedError(code, detail);
    throw new EnrolError('ERR_ENROL_REFUSED', `${link.url}: ${what}: ${detail}`, { cause });
  }
  const parsed = v.safeParse(answerSchema, body);
  if (!parsed.success) throw unexpected(link);
  if ('certificate' in parsed.output)
    return { kind: 'certificate', pem: parsed.output.certificate };
  if ('token' in parsed.output) return { kind: 'token', token: parsed.output.token };
  return { kind: 'pending', pollSeconds: parsed.output.pollSeconds };
}

function unexpected({ url }: AggregatorLink): EnrolError {
  return new EnrolError('ERR_ENROL_ANSWER', `${url}: expected a credential in the answer`);
}

async function exists(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}
