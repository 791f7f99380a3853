import type { Rule } from '../../../shared/findings.ts';
import { derived, upstream } from './mappings.ts';

export const booleans: Rule = {
  id: 'selinux.booleans',
  title: 'SELinux booleans give containers no more than the policy as shipped',
  severity: 'medium',
  rationale:
    'A boolean opens devices, cgroups or files of the node to every container, and `setsebool` without -P leaves no trace ' +
    'in any file. Values that allow less than the shipped ones are right as well.',
  remediation: {
    kind: 'host command',
    text:
      '`setsebool -P NAME off` (or on, as shipped); accept a wanted one into the baseline, or name it in the profile ' +
      '(selinuxBooleansOn).',
  },
  mappings: derived({
    STIG: ['CNTR-OS-000930', 'CNTR-OS-000940'],
    nist53: ['CM-6'],
    nist190: ['4.4.3'],
  }),
};

export const unconfinedDaemons: Rule = {
  id: 'selinux.unconfined-daemons',
  title: 'No daemon of the node runs as unconfined_service_t',
  severity: 'medium',
  rationale:
    'A service whose program has no label of its own runs in a domain that may do nearly anything: SELinux does not stand ' +
    'between its faults and the node. This agent is listed like any other.',
  remediation: {
    kind: 'host command',
    text:
      'Give the program a label (`semanage fcontext`, `restorecon`), or remove its unit; name a daemon that has to be so ' +
      'in the profile (unconfinedPrograms).',
  },
  mappings: upstream({
    CaC: ['selinux_confinement_of_daemons'],
    nist53: ['CM-7(a)', 'CM-7(b)', 'CM-6(a)', 'AC-6'],
    nist190: ['4.5.1'],
  }),
};

export const fileLabels: Rule = {
  id: 'selinux.file-labels',
  title: 'Key paths of containers carry their labels',
  severity: 'low',
  rationale:
    'A file with a wrong label is open to domains that should not reach it. Labels are extended attributes: Node.js cannot ' +
    'read them without a program or a native add-on, of which this agent runs none, so the rule stands as not checked ' +
    'instead of passing unseen.',
  remediation: {
    kind: 'host command',
    text: 'Look with `restorecon -nvR /etc/crio /etc/kubernetes /var/lib/kubelet /var/lib/containers`.',
  },
  mappings: derived({ nist53: ['AC-3', 'SI-7'], nist190: ['4.5.5'] }),
};
