import { API_VERSION } from '../../shared/api.ts';
import type { AuditList } from '../../shared/api-admission.ts';
import type { Route } from './route.ts';

const getAudit: Route = {
  method: 'GET',
  path: '/v1/audit',
  role: 'admin',
  summary: 'Who read evidence or gave commands, newest first',
  query: ['limit', 'since'],
  async handle({ query }, { audit }): Promise<AuditList> {
    const items = await audit.read(query.limit(), query.time('since'));
    return { apiVersion: API_VERSION, kind: 'AuditList', items };
  },
};

export const auditRoutes: readonly Route[] = [getAudit];
