import type { Rule } from '../../../shared/findings.ts';
import { derived, upstream } from './mappings.ts';

export const kernelEnabled: Rule = {
  id: 'fips.kernel-enabled',
  title: 'The kernel is in FIPS mode where FIPS is asked for',
  severity: 'high',
  rationale:
    'Self tests and the approved algorithms are in force only when the kernel was booted in FIPS mode.',
  remediation: {
    kind: 'node',
    text:
      'FIPS is decided at installation: install the cluster with fips: true, or put a RHEL host into ' +
      'FIPS mode before it joins. It cannot be switched on a running cluster.',
  },
  mappings: upstream({
    CaC: ['sysctl_crypto_fips_enabled'],
    STIG: ['CNTR-OS-000340', 'CNTR-OS-000510', 'CNTR-OS-001080'],
    nist53: ['AC-17(2)', 'CM-3(6)', 'IA-7', 'SC-12(2)', 'SC-12(3)', 'SC-13'],
  }),
};

export const kernelArguments: Rule = {
  id: 'fips.kernel-args',
  title: 'fips=1 is among the kernel arguments now and at the next boot',
  severity: 'high',
  rationale:
    'Without fips=1 in its boot entry a node in FIPS mode leaves it at the next reboot; without boot= and ' +
    'with /boot on its own file system the integrity check of the kernel cannot run.',
  remediation: {
    kind: 'host command',
    text:
      'On RHEL 8 and 9 run `fips-mode-setup --enable`; RHEL 10 takes fips=1 and boot= at installation. ' +
      'On RHCOS find who changed the boot entries, then reinstall the node.',
  },
  mappings: upstream({
    CaC: ['enable_fips_mode', 'grub2_enable_fips_mode'],
    STIG: ['CNTR-OS-000510'],
    nist53: ['SC-13'],
  }),
};

export const cryptoPolicy: Rule = {
  id: 'fips.crypto-policy',
  title: 'The system-wide crypto policy is FIPS without relaxations',
  severity: 'high',
  rationale:
    'TLS, SSH and Kerberos libraries take their algorithms from the crypto policy, not from the kernel.',
  remediation: {
    kind: 'host command',
    text:
      'Run `update-crypto-policies --set FIPS` (by a MachineConfig unit on RHCOS) and remove modules that ' +
      'relax it.',
  },
  mappings: upstream({
    CaC: ['configure_crypto_policy', 'fips_crypto_subpolicy'],
    nist53: ['SC-13', 'AC-17(2)', 'MA-4(6)'],
  }),
};

export const cryptoPolicyApplied: Rule = {
  id: 'fips.crypto-policy-applied',
  title: 'The configured crypto policy is the one applied',
  severity: 'medium',
  rationale:
    'A policy that is configured but not applied, or whose back ends were replaced by hand, changes nothing.',
  remediation: {
    kind: 'host command',
    text: 'Run `update-crypto-policies` again and look who edited /etc/crypto-policies/back-ends.',
  },
  mappings: upstream({ CaC: ['configure_crypto_policy'], nist53: ['SC-13'] }),
};

export const clusterIntent: Rule = {
  id: 'fips.cluster-intent',
  title: 'The node agrees with its MachineConfig about FIPS',
  severity: 'high',
  rationale:
    'The cluster reports FIPS by its MachineConfig alone; a node made from another image is not in FIPS mode.',
  remediation: {
    kind: 'node',
    text: 'Provision the node again; a RHEL worker must be in the mode of its cluster before it joins.',
  },
  mappings: derived({
    CaC: ['fips_mode_enabled_on_all_nodes'],
    STIG: ['CNTR-OS-000340', 'CNTR-OS-000510', 'CNTR-OS-001080'],
    nist53: ['SC-13'],
  }),
};

export const containerOverride: Rule = {
  id: 'fips.container-override',
  title: 'No running container is told that FIPS is off',
  severity: 'medium',
  rationale:
    'With the annotation CRI-O mounts fips_enabled = 0 over the kernel’s answer, and the libraries in the container ' +
    'take algorithms that the node does not allow.',
  remediation: {
    kind: 'pod',
    text:
      'Remove the annotation from the pod, and disable-fips.crio.io from allowed_annotations of the runtime by ' +
      'the MachineConfig that sets it.',
  },
  mappings: derived({ nist53: ['SC-13'], nist190: ['4.4.3'] }),
};
