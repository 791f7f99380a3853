import type { Rule } from '../../../shared/findings.ts';
import { derived } from './mappings.ts';

export const privileged: Rule = {
  id: 'runtime.privileged',
  title: 'Privileged containers run only where they are approved',
  severity: 'high',
  rationale:
    'A privileged container has every capability, no seccomp filter, no SELinux confinement and all devices: its ' +
    'process is a process of the node.',
  remediation: {
    kind: 'pod',
    text:
      'Drop privileged from the pod and take its ServiceAccount from the privileged SCC, or approve the namespace ' +
      'in the profile.',
  },
  mappings: derived({
    CIS: ['5.2.1', '5.2.10'],
    STIG: ['CNTR-OS-000660'],
    nist53: ['CM-6', 'CM-6(1)'],
    nist190: ['4.4.3'],
  }),
};

export const hostNamespaces: Rule = {
  id: 'runtime.host-namespaces',
  title: 'Containers share process, IPC and network namespaces with the node only where approved',
  severity: 'medium',
  rationale:
    'With hostPID a container sees and may signal every process, with hostIPC it reads their shared memory, with ' +
    'hostNetwork it reaches what listens on the loopback of the node.',
  remediation: {
    kind: 'pod',
    text: 'Drop hostPID, hostIPC and hostNetwork from the pod, or approve its namespace in the profile.',
  },
  mappings: derived({
    CIS: ['5.2.2', '5.2.3', '5.2.4'],
    STIG: ['CNTR-OS-000660'],
    nist53: ['CM-6'],
    nist190: ['4.4.3'],
  }),
};

export const mcsUnique: Rule = {
  id: 'runtime.mcs-unique',
  title: 'No two namespaces share their SELinux categories',
  severity: 'high',
  rationale:
    'Only the pair of categories keeps one container from the files of another of the same type; OpenShift gives ' +
    'every namespace a pair of its own.',
  remediation: {
    kind: 'pod',
    text: 'Remove seLinuxOptions.level from the pod, and give the namespace an openshift.io/sa.scc.mcs of its own.',
  },
  mappings: derived({
    STIG: ['CNTR-OS-000540'],
    nist53: ['AC-3', 'SC-39'],
    nist190: ['4.4.3', '4.5.2'],
  }),
};

export const selinuxDomain: Rule = {
  id: 'runtime.selinux-domain',
  title: 'Containers run in a SELinux domain of containers',
  severity: 'high',
  rationale:
    'spc_t and unconfined_t are not confined: SELinux keeps such a container from nothing.',
  remediation: {
    kind: 'pod',
    text:
      'Remove what takes the label away (privileged, hostPID, hostIPC, seLinuxOptions.type), or approve the ' +
      'namespace in the profile.',
  },
  mappings: derived({
    STIG: ['CNTR-OS-000540'],
    nist53: ['AC-3', 'SC-39'],
    nist190: ['4.4.3'],
  }),
};

export const capabilities: Rule = {
  id: 'runtime.capabilities',
  title: 'Containers have no capability beyond the default of their runtime',
  severity: 'medium',
  rationale:
    'SYS_ADMIN, NET_RAW and their like reach what namespaces do not separate; what a process has effectively or ' +
    'hands on (ambient) is what counts.',
  remediation: {
    kind: 'pod',
    text: 'Drop ALL capabilities in the pod and add only what it needs (restricted-v2 SCC).',
  },
  mappings: derived({ CIS: ['5.2.7', '5.2.8', '5.2.9'], nist53: ['CM-6'], nist190: ['4.4.3'] }),
};

export const noNewPrivs: Rule = {
  id: 'runtime.no-new-privs',
  title: 'Containers that do not run as root cannot become it',
  severity: 'low',
  rationale: 'Without no_new_privs a set-user-id program in the image makes root of any user.',
  remediation: {
    kind: 'pod',
    text: 'Set allowPrivilegeEscalation: false in the container (podman: --security-opt no-new-privileges).',
  },
  mappings: derived({ CIS: ['5.2.5'], nist53: ['CM-6'], nist190: ['4.4.3'] }),
};

export const nonroot: Rule = {
  id: 'runtime.nonroot',
  title: 'Containers do not run as root of the node',
  severity: 'medium',
  rationale:
    'User 0 of a container without a user namespace is user 0 of the node, once it leaves the container.',
  remediation: {
    kind: 'pod',
    text: 'Set runAsNonRoot: true, or hostUsers: false for a user namespace (podman: --user, --userns).',
  },
  mappings: derived({ CIS: ['5.2.6', '5.7.3'], nist53: ['CM-6', 'CM-6(1)'], nist190: ['4.1.2'] }),
};

export const maskedPaths: Rule = {
  id: 'runtime.masked-paths',
  title: 'Sensitive files of /proc and /sys are hidden from containers',
  severity: 'medium',
  rationale:
    'Runtimes hide kernel memory, keys and firmware from containers and keep the rest of /proc from being written; ' +
    'procMount: Unmasked takes that away.',
  remediation: {
    kind: 'pod',
    text: 'Set procMount: Default in the container (podman: no --security-opt unmask).',
  },
  mappings: derived({ nist53: ['CM-6'], nist190: ['4.4.3'] }),
};

export const cgroupVersion: Rule = {
  id: 'runtime.cgroup-version',
  title: 'Control groups are of version 2 and limit the processes of containers',
  severity: 'low',
  rationale:
    'OpenShift 4.19 has no cgroup v1 any more; without a limit of processes one container takes them all.',
  remediation: {
    kind: 'API object',
    text: 'Set cgroupMode: v2 in nodes.config/cluster, and podPidsLimit in a KubeletConfig of the pool.',
  },
  mappings: derived({ nist53: ['CM-6', 'SC-39'], nist190: ['4.4.3'] }),
};

export const hostMounts: Rule = {
  id: 'runtime.host-mounts',
  title: 'No container mounts sensitive paths of the node or the socket of its runtime',
  severity: 'high',
  rationale:
    'Whoever reaches the runtime’s socket, the node’s /, /etc or /proc is root of the node without any exploit.',
  remediation: {
    kind: 'pod',
    text: 'Replace the hostPath volume, or approve the namespace in the profile.',
  },
  mappings: derived({ CIS: ['5.2.10'], nist53: ['CM-6'], nist190: ['4.5.5'] }),
};
