import { STATUS_CODES } from 'node:http';
import type { Problem } from '../../shared/api.ts';
import { CandidateError } from '../../shared/simulation/candidate.ts';
import { AuditError } from '../audit.ts';
import { CommandError } from '../commands.ts';
import { CertificateRequestError } from '../identity/certificate-request.ts';
import { Refusal } from '../identity/credentials.ts';
import { EnrolmentError } from '../identity/enrolment.ts';
import { TokenStoreError } from '../identity/token-item.ts';
import { StoreError } from '../store/store.ts';

/** RFC 9457 for anything that was thrown; what is not meant for callers becomes a bare 500. */
export function toProblem(error: unknown): Problem {
  const { status, code, detail } = describe(error);
  const title = STATUS_CODES[status] ?? 'Error';
  return {
    type: 'about:blank',
    title,
    status,
    ...(detail === undefined ? {} : { detail }),
    code,
  };
}

interface Description {
  readonly status: number;
  readonly code: string;
  readonly detail?: string;
}

const COMMAND_STATUS = {
  ERR_COMMAND_TIMEOUT: 504,
  ERR_COMMAND_REFUSED: 409,
  ERR_COMMAND_DISCONNECTED: 502,
  ERR_COMMAND_BUSY: 503,
} as const;
const COMMAND_CODE = {
  ERR_COMMAND_TIMEOUT: 'nodeTimeout',
  ERR_COMMAND_REFUSED: 'nodeRefused',
  ERR_COMMAND_DISCONNECTED: 'nodeDisconnected',
  ERR_COMMAND_BUSY: 'nodeBusy',
} as const;

const TOKEN_PROBLEM = {
  ERR_TOKEN_NAME: [400, 'badName'],
  ERR_TOKEN_EXISTS: [409, 'nameTaken'],
  ERR_TOKEN_JOIN: [401, 'joinToken'],
  ERR_TOKEN_EXPIRED: [403, 'joinTokenExpired'],
  ERR_TOKEN_USED_UP: [403, 'joinTokenUsedUp'],
  ERR_TOKEN_NOT_FOR_NAME: [403, 'nameNotAllowed'],
} as const;

function describe(error: unknown): Description {
  if (error instanceof Refusal) {
    return { status: error.status, code: error.code, detail: error.message };
  }
  if (error instanceof CommandError) {
    const { code, message } = error;
    return { status: COMMAND_STATUS[code], code: COMMAND_CODE[code], detail: message };
  }
  if (error instanceof CandidateError) {
    return { status: 422, code: 'invalidCandidate', detail: error.message };
  }
  if (error instanceof TokenStoreError) {
    const [status, code] = TOKEN_PROBLEM[error.code];
    return { status, code, detail: error.message };
  }
  if (error instanceof EnrolmentError) {
    const isRevoked = error.code === 'ERR_ENROLMENT_REVOKED';
    return { status: 403, code: isRevoked ? 'revoked' : 'noCertificate', detail: error.message };
  }
  if (error instanceof AuditError) {
    const detail = 'the audit log cannot be written, so nothing is done that it should record';
    return { status: 503, code: 'auditUnavailable', detail };
  }
  if (error instanceof CertificateRequestError) {
    return { status: 400, code: 'badCertificateRequest', detail: error.message };
  }
  if (error instanceof StoreError && error.code === 'ERR_STORE_PAGE') {
    return { status: 400, code: 'badParameter', detail: `query parameter ${error.message}` };
  }
  if (error instanceof StoreError) {
    return { status: 503, code: 'storeUnavailable', detail: 'the store cannot be used now' };
  }
  const status = statusOf(error);
  if (status === undefined) return { status: 500, code: 'internal' };
  return { status, code: 'badRequest', detail: error instanceof Error ? error.message : '' };
}

/** What the HTTP library refuses itself (body too large, not JSON) carries its status. */
function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  const { statusCode } = error;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
    ? statusCode
    : undefined;
}
