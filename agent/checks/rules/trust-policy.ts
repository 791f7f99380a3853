import type { Rule } from '../../../shared/findings.ts';
import { derived, upstream } from './mappings.ts';

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

export const defaultReject: Rule = {
  id: 'trust.default-reject',
  title: 'Images that no scope of the policy names are not accepted unsigned',
  severity: 'medium',
  rationale:
    'A policy that accepts what it does not name lets anybody’s image run, whatever it asks of the registries it names.',
  remediation: {
    kind: 'API object',
    text:
      'Set registrySources.allowedRegistries of image.config.openshift.io/cluster, or give the policy a default of ' +
      'reject by MachineConfig.',
  },
  mappings: upstream({
    CaC: ['reject_unsigned_images_by_default'],
    STIG: ['CNTR-OS-000360'],
    nist53: ['CM-5(3)', 'CM-7(2)', 'CM-7(5)', 'CM-11', 'SA-10(1)'],
    nist190: ['4.1.5'],
  }),
};

export const redHatSigned: Rule = {
  id: 'trust.redhat-signed',
  title: 'Images of Red Hat’s registries have to be signed',
  severity: 'medium',
  rationale:
    'Red Hat signs what it publishes; a policy that does not ask for the signatures takes a replaced image for theirs.',
  remediation: {
    kind: 'MachineConfig',
    text:
      'Add the registries to the policy with the keys the operating system brings, by MachineConfig or ' +
      'ClusterImagePolicy, and their lookaside to registries.d.',
  },
  mappings: derived({
    STIG: ['CNTR-OS-000360'],
    nist53: ['CM-5(3)', 'SA-10(1)'],
    nist190: ['4.1.5'],
  }),
};

export const scopeLint: Rule = {
  id: 'trust.scope-lint',
  title: 'Every scope of the policy speaks for what it names',
  severity: 'medium',
  rationale:
    'containers/image takes a scope that no image leads to, a hole under a signed scope, or a list of keys of which ' +
    'all must have signed, and says nothing of it.',
  remediation: {
    kind: 'MachineConfig',
    text:
      'Put the scope right where the policy is managed; `nodeseal policy validate FILE` names the same places before ' +
      'it is rolled out.',
  },
  mappings: derived({ nist53: ['CM-6'], nist190: ['4.1.5'] }),
};

export const namespacePolicies: Rule = {
  id: 'trust.namespace-policies',
  title: 'Policies of namespaces are valid and no looser than the node’s',
  severity: 'high',
  rationale:
    'CRI-O takes the policy of a namespace in place of its own: a looser one opens the node for the pods of it.',
  remediation: {
    kind: 'API object',
    text: 'Change the ImagePolicy that the file is made of; delete a file that none of them makes.',
  },
  mappings: derived({ nist53: ['CM-5(3)', 'CM-7(5)'], nist190: ['4.1.5'] }),
};
