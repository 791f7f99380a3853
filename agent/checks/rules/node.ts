import type { Rule } from '../../../shared/findings.ts';
import { derived, upstream } from './mappings.ts';

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

export const mcoState: Rule = {
  id: 'node.mco-state',
  title: 'The node is where its MachineConfig wants it, and nobody forced it past validation',
  severity: 'medium',
  rationale:
    'With its force file the machine-config-daemon rolls out without looking at what is on the node; a node that is ' +
    'Degraded, or whose update waits for a reboot, misses what was rolled out since.',
  remediation: {
    kind: 'host command',
    text:
      'Delete /run/machine-config-daemon-force where it is; else follow the reason the machine-config-daemon gives ' +
      '(`oc describe mcp`).',
  },
  mappings: derived({ STIG: ['CNTR-OS-000920'], nist53: ['CM-3', 'CM-6'], nist190: ['4.3.5'] }),
};

export const filePermissions: Rule = {
  id: 'node.file-permissions',
  title:
    'Files of kubelet, CRI-O and the trust configuration, and secrets, have safe modes and belong to root',
  severity: 'medium',
  rationale:
    'Who can write these files decides what runs on the node and which images it trusts; who reads the pull secret, ' +
    'or a copy the machine-config-daemon kept of it, pulls in the name of the cluster.',
  remediation: {
    kind: 'MachineConfig',
    text:
      'Give the file the mode through its MachineConfig; a folder, and a file of other hosts, by `chown root:root` and ' +
      '`chmod`. Find who changed it.',
  },
  mappings: upstream({
    CIS: ['4.1.1', '4.1.2', '4.1.5', '4.1.6', '4.1.7', '4.1.8', '4.1.9', '4.1.10'],
    CaC: [
      'file_permissions_kubelet_conf',
      'file_permissions_worker_kubeconfig',
      'file_permissions_kubelet',
      'file_permissions_worker_ca',
      'file_permissions_worker_service',
    ],
    nist53: ['CM-6', 'CM-6(1)'],
    nist190: ['4.3.5'],
  }),
};

export const kubeletHardening: Rule = {
  id: 'node.kubelet-hardening',
  title: 'kubelet knows who asks, asks the cluster whether they may, and speaks modern TLS',
  severity: 'high',
  rationale:
    'Whoever kubelet believes runs commands in every container of the node: anonymous requests, an authorizer that ' +
    'always allows, and the read-only port are each such a way.',
  remediation: {
    kind: 'API object',
    text:
      'Change the setting in the KubeletConfig of the pool, cipher suites and TLS version through its ' +
      'tlsSecurityProfile.',
  },
  mappings: upstream({
    CIS: ['4.2.2', '4.2.3', '4.2.4', '4.2.5', '4.2.9', '4.2.10', '4.2.11', '4.2.12'],
    STIG: ['CNTR-OS-000020'],
    CaC: ['kubelet_anonymous_auth', 'kubelet_configure_tls_cipher_suites'],
    nist53: ['CM-6', 'CM-6(1)', 'SC-8', 'SC-8(1)'],
    nist190: ['4.3.5'],
  }),
};

export const kernelHardening: Rule = {
  id: 'node.kernel-hardening',
  title: 'The kernel has the values and boot arguments that the profile asks for',
  severity: 'medium',
  rationale:
    'What a process learns of the kernel (its messages, addresses, performance events) is what an attack on it is ' +
    'made of.',
  remediation: {
    kind: 'MachineConfig',
    text: 'Roll out a file of /etc/sysctl.d, and kernelArguments, by MachineConfig; on RHEL use sysctl.d and grubby.',
  },
  mappings: upstream({
    CaC: [
      'sysctl_kernel_dmesg_restrict',
      'sysctl_kernel_perf_event_paranoid',
      'sysctl_kernel_yama_ptrace_scope',
      'sysctl_kernel_unprivileged_bpf_disabled',
    ],
    STIG: [
      'CNTR-OS-000560',
      'CNTR-OS-000570',
      'CNTR-OS-000580',
      'CNTR-OS-000600',
      'CNTR-OS-000610',
      'CNTR-OS-000810',
      'CNTR-OS-000870',
    ],
    nist53: ['SI-11(a)', 'AC-6', 'SC-7(10)', 'SC-30'],
    nist190: ['4.5.2'],
  }),
};
