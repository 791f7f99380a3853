import { admissionRoutes } from './admission.ts';
import { auditRoutes } from './audit.ts';
import { checkRoutes } from './checks.ts';
import { diagnosisRoutes } from './diagnosis.ts';
import { driftRoutes } from './drift.ts';
import { enrolRoutes } from './enrol.ts';
import { eventRoutes } from './events.ts';
import { exportRoutes } from './exports.ts';
import { findingRoutes } from './findings.ts';
import { imageRoutes } from './images.ts';
import { nodeRoutes } from './nodes.ts';
import { describeApi } from './openapi.ts';
import { policyRoutes } from './policies.ts';
import { poolRoutes } from './pools.ts';
import type { Route } from './route.ts';
import { simulationRoutes } from './simulations.ts';
import { tokenRoutes } from './tokens.ts';
import { watchRoutes } from './watch.ts';

const answering: readonly Route[] = [
  ...nodeRoutes,
  ...findingRoutes,
  ...imageRoutes,
  ...eventRoutes,
  ...driftRoutes,
  ...checkRoutes,
  ...policyRoutes,
  ...poolRoutes,
  ...exportRoutes,
  ...watchRoutes,
  ...simulationRoutes,
  ...enrolRoutes,
  ...admissionRoutes,
  ...tokenRoutes,
  ...auditRoutes,
  ...diagnosisRoutes,
];

const getOpenApi: Route = {
  method: 'GET',
  path: '/openapi.json',
  role: 'viewer',
  summary: 'This description',
  query: [],
  handle: async () => describeApi(ROUTES),
};

/** Everything the API can do. */
export const ROUTES: readonly Route[] = [...answering, getOpenApi];
