import type { Rule } from '../../../shared/findings.ts';
import { derived, upstream } from './mappings.ts';

export const lookasideValid: Rule = {
  id: 'registries.lookaside-valid',
  title: 'registries.d is read without conflict and without a line that has no effect',
  severity: 'high',
  rationale:
    'One namespace in two files makes every pull fail; a misspelt member or a .yml file is passed over in silence.',
  remediation: {
    kind: 'MachineConfig',
    text: 'Put the file right in the MachineConfig that writes it.',
  },
  mappings: derived({ nist53: ['CM-6'], nist190: ['4.1.5'] }),
};

export const lookasideManaged: Rule = {
  id: 'registries.lookaside-managed',
  title: 'Every file of registries.d is the one that was rolled out',
  severity: 'high',
  rationale: 'Who changes where signatures are fetched can withhold them, or hand out old ones.',
  remediation: {
    kind: 'MachineConfig',
    text:
      'Restore the file from its MachineConfig; where the change was meant, accept it with ' +
      '`nodeseal baseline accept`.',
  },
  mappings: derived({ nist53: ['SI-7', 'CM-6'], nist190: ['4.1.5', '4.5.5'] }),
};

export const lookasideUrls: Rule = {
  id: 'registries.lookaside-urls',
  title: 'Signatures are fetched from https addresses, those of Red Hat from Red Hat',
  severity: 'high',
  rationale: 'Over http anyone on the way can withhold a signature or answer with an old one.',
  remediation: {
    kind: 'MachineConfig',
    text: 'Write the https address of the lookaside into the MachineConfig of registries.d.',
  },
  mappings: derived({ nist53: ['SC-8', 'CM-5(3)'], nist190: ['4.2.1', '4.1.5'] }),
};

export const policyCoherence: Rule = {
  id: 'registries.policy-coherence',
  title: 'Every scope that asks for signatures has a place to get them from',
  severity: 'high',
  rationale:
    'signedBy without a lookaside and sigstoreSigned without attachments refuse every image of their scope.',
  remediation: {
    kind: 'MachineConfig',
    text:
      'Add the scope to registries.d: lookaside for signedBy, use-sigstore-attachments: true for ' +
      'sigstoreSigned.',
  },
  mappings: derived({ STIG: ['CNTR-OS-000360'], nist190: ['4.1.5'] }),
};

export const insecure: Rule = {
  id: 'registries.insecure',
  title: 'No registry is reached without checking its certificate',
  severity: 'high',
  rationale:
    'Without TLS anyone on the way can hand out another image where the policy asks for no signature.',
  remediation: {
    kind: 'API object',
    text:
      'Remove the host from registrySources.insecureRegistries of image.config.openshift.io/cluster, or ' +
      'insecure = true from registries.conf, and give the registry a certificate.',
  },
  mappings: upstream({
    CaC: ['ocp_insecure_registries'],
    CIS: ['5.5.1'],
    STIG: ['CNTR-OS-000010'],
    nist53: ['CM-5(3)'],
    nist190: ['4.2.1'],
  }),
};

export const unmanagedFiles: Rule = {
  id: 'registries.unmanaged-files',
  title: 'No file that nobody manages lies in a folder of the trust configuration',
  severity: 'high',
  rationale:
    'A file beside the managed ones takes effect at once, and the drift monitor of the cluster does not see it.',
  remediation: {
    kind: 'MachineConfig',
    text:
      'Find out who made the file; delete it, roll it out by MachineConfig, or accept it with ' +
      '`nodeseal baseline accept`.',
  },
  mappings: derived({ nist53: ['CM-3', 'SI-7', 'SI-7(1)'], nist190: ['4.5.5'] }),
};

export const allowedEffective: Rule = {
  id: 'registries.allowed-effective',
  title: 'Images come from approved registries alone',
  severity: 'medium',
  rationale:
    'What the cluster was told to allow is rendered into two files of the node, and a location in registries.conf ' +
    'sends images of an approved name elsewhere.',
  remediation: {
    kind: 'API object',
    text:
      'Set registrySources.allowedRegistries of image.config.openshift.io/cluster to the approved list, and remove ' +
      'other registries and locations.',
  },
  mappings: upstream({
    CaC: ['ocp_allowed_registries'],
    CIS: ['5.5.1'],
    STIG: ['CNTR-OS-000890'],
    nist53: ['CM-5(3)', 'CM-7(2)', 'CM-7(5)', 'CM-11'],
    nist190: ['4.2.1'],
  }),
};

export const shortNames: Rule = {
  id: 'registries.short-names',
  title: 'A short name does not fall through to a registry where everybody can publish',
  severity: 'low',
  rationale:
    'Of several registries the first that answers decides what a name without a host means, so that anybody can take ' +
    'a name that is not there yet.',
  remediation: {
    kind: 'API object',
    text:
      'Name one trusted registry in containerRuntimeSearchRegistries of image.config.openshift.io/cluster, or set ' +
      'short-name-mode to enforcing.',
  },
  mappings: derived({ nist53: ['CM-7(5)'], nist190: ['4.1.5'] }),
};

export const mirrors: Rule = {
  id: 'registries.mirrors',
  title: 'Mirrors are approved and asked for digests alone',
  severity: 'medium',
  rationale:
    'A mirror that is asked for a tag decides which image it names; one that is asked for a digest can only hand out ' +
    'that image or none.',
  remediation: {
    kind: 'API object',
    text: 'Mirror by ImageDigestMirrorSet in place of ImageTagMirrorSet, and remove mirrors that nobody approved.',
  },
  mappings: derived({ nist53: ['CM-5(3)'], nist190: ['4.2.1'] }),
};
