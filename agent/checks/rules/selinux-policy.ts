import type { Rule } from '../../../shared/findings.ts';
import { derived, upstream } from './mappings.ts';

export const policyType: Rule = {
  id: 'selinux.policy-type',
  title: 'The SELinux policy is targeted or mls, and is there to be loaded',
  severity: 'medium',
  rationale:
    'Under the minimum policy only a few selected services are confined. A policy that is missing, broken, or newer than ' +
    'the kernel takes stops an enforcing node at its next boot.',
  remediation: {
    kind: 'MachineConfig',
    text:
      'Set SELINUXTYPE=targeted in /etc/selinux/config (MachineConfig on RHCOS) and reinstall ' +
      'selinux-policy-targeted on RHEL if its files are missing.',
  },
  mappings: upstream({
    CaC: ['selinux_policytype'],
    STIG: ['CNTR-OS-000540'],
    nist53: ['AC-3', 'SC-7(21)'],
  }),
};

export const policyUnmodified: Rule = {
  id: 'selinux.policy-unmodified',
  title: 'The SELinux policy carries no local change',
  severity: 'medium',
  rationale:
    'A local module or list can allow what the vendor’s policy forbids. On RHCOS a changed policy is also never replaced by ' +
    'an update of the operating system, so that fixes of the policy no longer arrive.',
  remediation: {
    kind: 'node',
    text:
      'Remove the change (`semodule -X 400 -r NAME`, `semanage … -D`) and `semodule -B`; on RHCOS restore the policy from ' +
      '/usr/etc/selinux or replace the node. Accept a wanted change into the baseline.',
  },
  mappings: derived({
    STIG: ['CNTR-OS-000930', 'CNTR-OS-000940'],
    nist53: ['CM-6', 'SI-7'],
    nist190: ['4.5.5'],
  }),
};

export const permissiveDomains: Rule = {
  id: 'selinux.permissive-domains',
  title: 'No domain is permissive that the vendor enforces',
  severity: 'high',
  rationale:
    'In a permissive domain nothing is forbidden although the node is enforcing. Policies ship with a few of their own ' +
    'while these are developed; which, their copy in /usr/etc or the packages’ modules tell.',
  remediation: {
    kind: 'host command',
    text:
      '`semanage permissive -d DOMAIN`, or remove the module that says it; on RHCOS restore the policy from ' +
      '/usr/etc/selinux or replace the node.',
  },
  mappings: derived({
    CaC: ['selinux_state'],
    nist53: ['AC-3', 'SC-7(21)'],
    nist190: ['4.4.3'],
  }),
};
