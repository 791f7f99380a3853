import type { Rule } from '../../../shared/findings.ts';
import { derived, upstream } from './mappings.ts';

export const enforcing: Rule = {
  id: 'selinux.enforcing',
  title: 'SELinux is enforcing now, and will be after the next boot',
  severity: 'critical',
  rationale:
    'In permissive mode nothing keeps a process that leaves its container from the rest of the node. ' +
    '`setenforce 0` leaves no trace in any file, so only the kernel can tell.',
  remediation: {
    kind: 'host command',
    text:
      'Find who switched it (audit records MAC_STATUS), then `setenforce 1`; replace an RHCOS node ' +
      'whose change nobody can explain.',
  },
  mappings: derived({
    CaC: ['selinux_state'],
    STIG: ['CNTR-OS-000540'],
    nist53: ['AC-3', 'AC-3(3)(a)', 'AU-9', 'SC-7(21)'],
    nist190: ['4.4.3'],
  }),
};

export const uninterrupted: Rule = {
  id: 'selinux.uninterrupted',
  title: 'SELinux was not switched off and on again unseen',
  severity: 'high',
  rationale:
    'A moment of permissive mode is enough to leave a container, and enforcing again nothing tells of it. The kernel ' +
    'counts its switches: more of them than the modes of two looks explain is a switch that was taken back. What ' +
    'happened before this agent started, or in an earlier boot, is not seen; a sighting stands for one hour.',
  remediation: {
    kind: 'host command',
    text:
      'Find who switched it (`ausearch -m MAC_STATUS`), and what ran meanwhile; replace an RHCOS node whose change ' +
      'nobody can explain.',
  },
  mappings: derived({
    STIG: ['CNTR-OS-000540'],
    nist53: ['AC-3', 'AU-9', 'SI-7'],
    nist190: ['4.4.3'],
  }),
};

export const configEnforcing: Rule = {
  id: 'selinux.config-enforcing',
  title: 'The configuration asks for enforcing at the next boot',
  severity: 'high',
  rationale: 'The running mode is lost at a reboot when /etc/selinux/config asks for another one.',
  remediation: {
    kind: 'MachineConfig',
    text:
      'Set SELINUX=enforcing once in /etc/selinux/config: by MachineConfig on RHCOS, by hand on RHEL, ' +
      'and look who changed it.',
  },
  mappings: upstream({
    CaC: ['selinux_state'],
    STIG: ['CNTR-OS-000540'],
    nist53: ['AC-3', 'AU-9', 'SC-7(21)'],
    nist190: ['4.4.3'],
  }),
};

export const kernelArguments: Rule = {
  id: 'selinux.kernel-args',
  title: 'No kernel argument switches SELinux off or to permissive',
  severity: 'high',
  rationale:
    'selinux=0, enforcing=0, and lists of security modules without selinux (lsm=, security=) overrule ' +
    '/etc/selinux/config, so that file proves nothing by itself.',
  remediation: {
    kind: 'MachineConfig',
    text:
      'Remove the argument: from spec.kernelArguments of the MachineConfig on RHCOS, with ' +
      '`grubby --update-kernel=ALL --remove-args=…` on RHEL.',
  },
  mappings: upstream({
    CaC: ['coreos_enable_selinux_kernel_argument'],
    STIG: ['CNTR-OS-000540'],
    nist53: ['AC-3', 'AC-3(3)(a)'],
  }),
};

export const crioEnabled: Rule = {
  id: 'selinux.crio-enabled',
  title: 'CRI-O labels containers',
  severity: 'high',
  rationale:
    'With selinux = false CRI-O starts every container unlabelled, even though the node is enforcing.',
  remediation: {
    kind: 'MachineConfig',
    text:
      'Remove the drop-in of /etc/crio/crio.conf.d that sets selinux = false, or the flag or variable of ' +
      'crio.service; the cluster’s own template sets true.',
  },
  mappings: derived({ nist53: ['AC-3', 'SC-39'], nist190: ['4.4.3'] }),
};
