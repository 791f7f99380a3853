import type { Rule } from '../../../shared/findings.ts';
import { derived } from './mappings.ts';

export const mcoDrift: Rule = {
  id: 'node.mco-drift',
  title: 'Every file, unit and kernel argument of the MachineConfig is on the node as rolled out',
  severity: 'high',
  rationale:
    'The cluster’s own drift monitor stops at the first difference and does not look again; here all of them ' +
    'are named. policy.json and registries.d have rules of their own.',
  remediation: {
    kind: 'MachineConfig',
    text:
      'Put the file back as it was rolled out, or change it through its MachineConfig; a hand edit marks the ' +
      'node Degraded.',
  },
  mappings: derived({
    STIG: ['CNTR-OS-000920'],
    nist53: ['SI-7', 'SI-7(1)', 'SI-6', 'CM-6'],
    nist190: ['4.5.5'],
  }),
};

export const unmanagedFiles: Rule = {
  id: 'node.unmanaged-files',
  title: 'Nobody put a file of his own where the node is configured',
  severity: 'medium',
  rationale:
    'The machine-config-daemon looks at the files it wrote and at no others: a drop-in of kubelet, a sudo rule, a ' +
    'certificate authority or a program beside them stays unseen. Folders of the trust configuration have a rule of ' +
    'their own.',
  remediation: {
    kind: 'MachineConfig',
    text:
      'Find out who put the file there; then delete it, bring it by a MachineConfig, or accept it with `nodeseal ' +
      'baseline accept`.',
  },
  mappings: derived({
    nist53: ['CM-3', 'CM-6', 'SI-7', 'SI-7(1)'],
    nist190: ['4.5.5'],
  }),
};

export const mcoForced: Rule = {
  id: 'node.mco-state',
  title: 'Nobody forced the node past the validation of its configuration',
  severity: 'medium',
  rationale:
    'With its force file the machine-config-daemon rolls out without looking at what is on the node.',
  remediation: {
    kind: 'host command',
    text: 'Delete /run/machine-config-daemon-force and look at the state of the pool (`oc describe mcp`).',
  },
  mappings: derived({ STIG: ['CNTR-OS-000920'], nist53: ['CM-3', 'CM-6'], nist190: ['4.3.5'] }),
};
