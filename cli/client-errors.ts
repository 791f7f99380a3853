import { messageOf } from '../shared/errors.ts';
import { CliError, type CliErrorCode } from './errors.ts';

/** What the aggregator refused, with the stable code of its problem details (RFC 9457). */
export class ProblemError extends CliError {
  readonly status: number;
  /** '' when the answer was none of an aggregator. */
  readonly problem: string;

  constructor(
    code: CliErrorCode,
    what: string,
    details: {
      readonly status: number;
      readonly problem: string;
      readonly why?: string;
      readonly next?: string;
    },
  ) {
    const { why, next } = details;
    super(code, what, {
      ...(why === undefined ? {} : { why }),
      ...(next === undefined ? {} : { next }),
    });
    this.status = details.status;
    this.problem = details.problem;
  }
}

/** An answer that is not what an aggregator of this version says. */
export function rubbish(server: string, why: string, cause?: unknown): CliError {
  return new CliError('ERR_CLI_UNREACHABLE', `the answer of ${server} is not understood`, {
    why,
    next: 'check that this is the address of an aggregator, and that it is as new as this program',
    cause,
  });
}

const CHECK_ADDRESS = "check the address with 'nodeseal config view', and that the aggregator runs";
const LIST_FIRST = 'look for it in a list: nodeseal get nodes, nodeseal get findings …';
const CHECK_CA = 'name the certificates of its authority with --ca-file';

/** Causes by the code that Node.js gives them. */
const CAUSES: Readonly<Record<string, readonly [why: string, next: string]>> = {
  ECONNREFUSED: ['nothing listens there', CHECK_ADDRESS],
  ENOTFOUND: ['no such host', CHECK_ADDRESS],
  EAI_AGAIN: ['the name could not be looked up', 'check the network and DNS'],
  EHOSTUNREACH: ['no route to the host', 'check the network'],
  ENETUNREACH: ['no route to its network', 'check the network'],
  ECONNRESET: ['the connection was cut', CHECK_ADDRESS],
  ETIMEDOUT: ['it does not answer', CHECK_ADDRESS],
  EPROTO: ['it does not speak TLS', 'try http:// in the address if it listens on this machine'],
  ERR_SSL_WRONG_VERSION_NUMBER: [
    'it does not speak TLS',
    'try http:// if it listens on this machine',
  ],
  ERR_SSL_PACKET_LENGTH_TOO_LONG: [
    'it does not speak TLS',
    'try http:// if it listens on this machine',
  ],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['its certificate is signed by itself', CHECK_CA],
  SELF_SIGNED_CERT_IN_CHAIN: ['its certificate is from an unknown authority', CHECK_CA],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['its certificate is from an unknown authority', CHECK_CA],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['its certificate is from an unknown authority', CHECK_CA],
  UNABLE_TO_GET_ISSUER_CERT: ['its certificate is from an unknown authority', CHECK_CA],
  CERT_HAS_EXPIRED: ['its certificate has expired', 'renew it on the aggregator'],
  CERT_NOT_YET_VALID: ['its certificate is not valid yet', 'check the clocks'],
  ERR_TLS_CERT_ALTNAME_INVALID: ['its certificate is for another name', CHECK_ADDRESS],
};

/** A request that got no answer. */
export function transportError(error: unknown, server: string): CliError {
  const what = `cannot reach the aggregator at ${server}`;
  const code = codeOf(error);
  const [why, next] = CAUSES[code] ?? [];
  if (why !== undefined && next !== undefined) {
    return new CliError('ERR_CLI_UNREACHABLE', what, {
      why: `${why} (${code})`,
      next,
      cause: error,
    });
  }
  const isParse = code.startsWith('HPE_');
  return new CliError('ERR_CLI_UNREACHABLE', what, {
    why: isParse ? `what answers does not speak HTTP (${code})` : messageOf(error),
    next: isParse ? 'try https:// in the address' : CHECK_ADDRESS,
    cause: error,
  });
}

/** Several addresses of one host fail together: the first of them speaks. */
function codeOf(error: unknown): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  return (first as NodeJS.ErrnoException | undefined)?.code ?? '';
}

/** An answer with another status than 200. */
export function problemError(
  status: number,
  body: string,
  server: string,
  retryAfter: string | undefined,
): CliError {
  const { code: problem, detail } = readProblem(body);
  const why = detail === '' ? `HTTP ${status}` : detail;
  const fail = (code: CliErrorCode, what: string, next?: string): ProblemError =>
    new ProblemError(code, what, { status, problem, why, ...(next === undefined ? {} : { next }) });
  if (status === 401) {
    const next = 'name a file with a valid token: --token-file, or tokenFile of the context';
    return fail('ERR_CLI_NOT_ALLOWED', `${server} does not know who asks`, next);
  }
  if (status === 403) {
    return fail(
      'ERR_CLI_NOT_ALLOWED',
      `${server} does not allow this`,
      'use a token with that role',
    );
  }
  if (status >= 300 && status < 400) {
    return fail(
      'ERR_CLI_UNREACHABLE',
      `${server} sends on to another address`,
      'name that one: no token is sent along',
    );
  }
  if (problem === '') return rubbish(server, `HTTP ${status} without problem details`);
  if (status === 404 && /no such path$/.test(detail)) {
    return fail(
      'ERR_CLI_UNREACHABLE',
      `${server} cannot answer this`,
      'update the aggregator: it is older than this program',
    );
  }
  if (status === 404) {
    const what = detail === '' ? 'not found' : detail;
    return new ProblemError('ERR_CLI_NOT_FOUND', what, { status, problem, next: LIST_FIRST });
  }
  if (status === 400) return fail('ERR_CLI_USAGE', `${server} does not understand the question`);
  if (status === 413 || status === 422)
    return fail('ERR_CLI_INPUT', `${server} does not take this`);
  const next = retryAfter === undefined ? 'try again' : `try again in ${retryAfter} s`;
  return fail('ERR_CLI_UNREACHABLE', `${server} could not answer`, next);
}

interface ReadProblem {
  readonly code: string;
  readonly detail: string;
}

/** What is shown of a problem is bounded: the other side need not be ours. */
function readProblem(body: string): ReadProblem {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && 'code' in value) {
      const detail = 'detail' in value ? value.detail : 'title' in value ? value.title : '';
      return { code: String(value.code).slice(0, 100), detail: String(detail).slice(0, 500) };
    }
  } catch {
    // Not JSON: not an aggregator's.
  }
  return { code: '', detail: '' };
}
