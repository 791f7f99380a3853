import type { Rule } from '../../../shared/findings.ts';
import { derived } from './mappings.ts';

export const self: Rule = {
  id: 'agent.self',
  title: 'Who reports can be relied on',
  severity: 'medium',
  rationale:
    'Every other answer comes from this process: what it is, how it is confined, what it lost and whether its own ' +
    'cryptography is in the mode of the node belongs beside them.',
  remediation: {
    kind: 'none',
    text:
      'Run nodeseal with the Node.js of the distribution (its OpenSSL follows the FIPS mode of the kernel), from ' +
      'files that only root writes, with the node’s files mounted read-only, and keep the aggregator in reach.',
  },
  mappings: derived({ STIG: ['CNTR-OS-000920'], nist53: ['SI-6', 'SI-7', 'SC-13'] }),
};
