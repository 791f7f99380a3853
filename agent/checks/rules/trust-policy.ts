import type { Rule } from '../../../shared/findings.ts';
import { derived } from './mappings.ts';

export const policyValid: Rule = {
  id: 'trust.policy-valid',
  title: 'The signature policy is one the container tools accept',
  severity: 'critical',
  rationale:
    'containers/image refuses the whole file for one member it does not know; then every pull fails.',
  remediation: {
    kind: 'MachineConfig',
    text:
      'Put the file right where it is managed (MachineConfig, image.config.openshift.io or ' +
      'ClusterImagePolicy); `nodeseal policy validate FILE` says what is wrong and where.',
  },
  mappings: derived({ STIG: ['CNTR-OS-000360'], nist53: ['CM-5(3)'], nist190: ['4.1.5'] }),
};

export const policyManaged: Rule = {
  id: 'trust.policy-managed',
  title: 'The signature policy is the one that was rolled out',
  severity: 'high',
  rationale:
    'A policy edited by hand decides about every image, and the machine-config-operator does not put it back.',
  remediation: {
    kind: 'MachineConfig',
    text:
      'Change it through its MachineConfig or API object, never by hand; where the change was meant, accept ' +
      'it with `nodeseal baseline accept`.',
  },
  mappings: derived({
    CIS: ['5.5.1'],
    nist53: ['SI-7', 'CM-6'],
    nist190: ['4.1.5', '4.5.5'],
  }),
};

export const userOverride: Rule = {
  id: 'trust.user-override',
  title: 'No file in root’s home replaces the node’s trust configuration',
  severity: 'high',
  rationale:
    'containers/image looks in the home of root first, and what it finds there replaces /etc/containers.',
  remediation: {
    kind: 'host command',
    text: 'Find out who made the file, then delete it.',
  },
  mappings: derived({ nist53: ['CM-5(3)', 'SI-7'], nist190: ['4.5.5'] }),
};

export const keyFiles: Rule = {
  id: 'trust.key-files',
  title: 'Every key that the policy names is there and only root can change it',
  severity: 'high',
  rationale:
    'A missing key refuses the images of its scope; a key that others can write lets them sign for it.',
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
