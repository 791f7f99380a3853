import type { Rule } from '../../../shared/findings.ts';
import { derived } from './mappings.ts';

export const kernelSupport: Rule = {
  id: 'seccomp.kernel-support',
  title: 'The kernel offers seccomp filters',
  severity: 'high',
  rationale:
    'On a kernel without filters CRI-O runs RuntimeDefault as Unconfined and says nothing of it.',
  remediation: { kind: 'node', text: 'Boot a kernel with CONFIG_SECCOMP_FILTER.' },
  mappings: derived({ nist53: ['CM-6'], nist190: ['4.4.3'] }),
};

export const containersFiltered: Rule = {
  id: 'seccomp.containers-filtered',
  title: 'Containers that are not privileged run with a seccomp filter',
  severity: 'high',
  rationale:
    'A process without a filter reaches every system call of the kernel; only the process itself tells, ' +
    'not what was configured.',
  remediation: {
    kind: 'pod',
    text:
      'Set seccompProfile.type: RuntimeDefault in the pod, or let it run under the restricted-v2 SCC, ' +
      'which does.',
  },
  mappings: derived({
    CIS: ['5.7.2'],
    CaC: ['general_default_seccomp_profile'],
    nist53: ['CM-6', 'CM-6(1)'],
    nist190: ['4.4.3'],
  }),
};

export const crioProfile: Rule = {
  id: 'seccomp.crio-profile',
  title: 'CRI-O’s default seccomp profile is its own, or one that is managed',
  severity: 'high',
  rationale: 'seccomp_profile replaces what RuntimeDefault means for every container of the node.',
  remediation: {
    kind: 'MachineConfig',
    text:
      'Remove seccomp_profile from the drop-in of /etc/crio/crio.conf.d, or --seccomp-profile from crio.service, or ' +
      'manage its file.',
  },
  mappings: derived({ CIS: ['5.7.2'], nist53: ['CM-6(1)'], nist190: ['4.4.3'] }),
};

export const podmanProfile: Rule = {
  id: 'seccomp.podman-profile',
  title: 'podman’s default seccomp profile refuses what it does not name',
  severity: 'high',
  rationale:
    'podman and buildah take their default from a file; a profile that allows everything is a filter all the ' +
    'same, so that the processes show nothing of it.',
  remediation: {
    kind: 'host command',
    text:
      'Take seccomp_profile out of containers.conf, delete /etc/containers/seccomp.json, or restore the file of ' +
      'containers-common.',
  },
  mappings: derived({ nist53: ['CM-6'], nist190: ['4.4.3'] }),
};

export const legacyOverride: Rule = {
  id: 'seccomp.legacy-override',
  title: 'No drop-in keeps the weaker seccomp default of OpenShift 4.10',
  severity: 'medium',
  rationale:
    'Clusters born before 4.11 keep a drop-in that leaves containers unconfined when a pod asks for nothing.',
  remediation: {
    kind: 'MachineConfig',
    text: 'Delete the MachineConfig 99-<pool>-generated-crio-seccomp-use-default.',
  },
  mappings: derived({ CIS: ['5.7.2'], nist53: ['CM-6'] }),
};

export const kubeletDefault: Rule = {
  id: 'seccomp.kubelet-default',
  title: 'kubelet gives RuntimeDefault to pods that ask for nothing',
  severity: 'info',
  rationale:
    'Without seccompDefault a pod that names no profile runs unconfined unless its SCC adds one.',
  remediation: {
    kind: 'API object',
    text: 'Set seccompDefault: true in a KubeletConfig of the pool.',
  },
  mappings: derived({ CIS: ['5.7.2'] }),
};

export const localhostProfiles: Rule = {
  id: 'seccomp.localhost-profiles',
  title: 'Every profile that pods can name is known and refuses what it does not name',
  severity: 'low',
  rationale:
    'A pod with a Localhost profile runs behind that file: one that allows everything is a filter all the same, so ' +
    'that the processes show nothing of it.',
  remediation: {
    kind: 'API object',
    text:
      'Change the profile through the operator or MachineConfig that owns it; where a new one was meant, accept it ' +
      'with `nodeseal baseline accept`.',
  },
  mappings: derived({ nist53: ['CM-6'], nist190: ['4.4.3'] }),
};
