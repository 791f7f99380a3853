import type { Rule } from '../../../shared/findings.ts';
import { derived } from './mappings.ts';

export const keyFiles: Rule = {
  id: 'trust.key-files',
  title: 'Every key that a policy names is there, is safe and can be relied on',
  severity: 'high',
  rationale:
    'A missing or expired key refuses the images of its scope; a key that others can write or break lets them sign ' +
    'for it.',
  remediation: {
    kind: 'MachineConfig',
    text:
      'Roll out own keys by MachineConfig with mode 0644; keys of the vendor come back with the operating ' +
      'system (`rpm --restore redhat-release` on RHEL).',
  },
  mappings: derived({
    STIG: ['CNTR-OS-000360'],
    nist53: ['SC-12', 'SI-7'],
    nist190: ['4.1.5'],
  }),
};

export const keyFingerprints: Rule = {
  id: 'trust.key-fingerprints',
  title: 'Every key that a policy names is the one that was accepted',
  severity: 'critical',
  rationale:
    'Who puts his own key in the place of another signs in its name, and no hash of the policy shows it.',
  remediation: {
    kind: 'MachineConfig',
    text:
      'Restore the key from the operating system or its MachineConfig and treat the change as an incident; where it ' +
      'was meant, accept it with `nodeseal baseline accept`.',
  },
  mappings: derived({ nist53: ['SI-7', 'SC-12'], nist190: ['4.1.5', '4.5.5'] }),
};
