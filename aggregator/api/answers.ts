import { EXPORT_FORMATS } from '../../shared/exports/index.ts';

/** What each route answers, by method and path, as the name of a schema. */
export const ANSWERS: Readonly<Record<string, string>> = {
  'GET /v1/nodes': 'NodeList',
  'GET /v1/nodes/:name': 'Node',
  'GET /v1/nodes/:name/diagnosis': 'Diagnosis',
  'POST /v1/nodes/:name/rescan': 'CommandResult',
  'POST /v1/nodes/:name/approve': 'NodeAdmission',
  'POST /v1/nodes/:name/revoke': 'NodeAdmission',
  'POST /v1/nodes/:name/retire': 'Revoked',
  'GET /v1/findings': 'FindingList',
  'GET /v1/findings/:name': 'FindingList',
  'GET /v1/images': 'ImageVerdictList',
  'GET /v1/images/:name': 'ImageVerdictList',
  'GET /v1/events': 'EventList',
  'GET /v1/events/:name': 'EventList',
  'GET /v1/drift': 'DriftList',
  'GET /v1/drift/:name': 'DriftList',
  'GET /v1/checks': 'CheckList',
  'GET /v1/checks/:name': 'Check',
  'GET /v1/policies': 'PolicyList',
  'GET /v1/policies/:name': 'PolicyList',
  'GET /v1/pools/:name': 'PoolBaseline',
  'POST /v1/simulations': 'SimulationDetail',
  'GET /v1/simulations': 'SimulationList',
  'GET /v1/simulations/:name': 'SimulationDetail',
  'GET /v1/simulations/:name/outcomes': 'ImageOutcomeList',
  ...Object.fromEntries(
    EXPORT_FORMATS.filter(({ mediaType }) => mediaType === 'application/json').map(({ id }) => [
      `GET /v1/exports/${id}`,
      'Export',
    ]),
  ),
  'GET /v1/version': 'ServerVersion',
  'GET /v1/diagnosis': 'Diagnosis',
  'GET /v1/audit': 'AuditList',
  'GET /v1/tokens': 'TokenList',
  'POST /v1/tokens': 'TokenCreated',
  'DELETE /v1/tokens/:name': 'Revoked',
  'GET /v1/enrolments': 'EnrolmentList',
  'POST /v1/enroll': 'Enrolled',
  'POST /v1/renew': 'Enrolled',
};

/** What a route takes as its body. */
export const BODIES: Readonly<Record<string, string>> = {
  'POST /v1/tokens': 'TokenRequest',
  'POST /v1/nodes/:name/revoke': 'RevokeRequest',
  'POST /v1/enroll': 'EnrolRequest',
  'POST /v1/renew': 'RenewRequest',
};

/** Routes that may answer 202 too: a node has to be approved first. */
export const PENDING: ReadonlySet<string> = new Set(['POST /v1/enroll', 'POST /v1/renew']);
