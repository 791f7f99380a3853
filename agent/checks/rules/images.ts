import type { Rule } from '../../../shared/findings.ts';
import { derived } from './mappings.ts';

export const signatureValid: Rule = {
  id: 'images.signature-valid',
  title: 'Images on the node satisfy the signature policy in force',
  severity: 'high',
  rationale:
    'Signatures are checked at the pull only: an image that came before the policy, or was changed in the store ' +
    'since, keeps running and starts again unchecked.',
  remediation: {
    kind: 'node',
    text:
      'Sign the image, or mirror its signatures, then remove it from the node (`crictl rmi`, `podman rmi`) so that ' +
      'it is pulled again under the policy.',
  },
  mappings: derived({
    STIG: ['CNTR-OS-000360'],
    nist53: ['CM-11', 'SA-10(1)'],
    nist190: ['4.1.5'],
  }),
};

export const storeReadable: Rule = {
  id: 'images.store-readable',
  title: 'The records of the image store can be read and are whole',
  severity: 'high',
  rationale:
    'An image whose record is damaged cannot be judged, and one such record is enough to make podman fail for the ' +
    'whole store.',
  remediation: {
    kind: 'node',
    text:
      'Remove the damaged image and pull it again; when the list of images itself is damaged, drain the node and ' +
      'wipe its store (`crio wipe -f`, `podman system reset`). Find out who wrote there.',
  },
  mappings: derived({ nist53: ['SI-7', 'SI-7(1)'], nist190: ['4.5.5'] }),
};

export const runningVerified: Rule = {
  id: 'images.running-verified',
  title: 'Images that containers use satisfy the signature policy in force',
  severity: 'critical',
  rationale:
    'CRI-O and podman look at signatures when an image is pulled. A container made of an image that the policy refuses ' +
    'runs, and starts again, without a word.',
  remediation: {
    kind: 'pod',
    text: 'Stop the workload, or sign the image it uses; then remove the image from the node so that it is pulled again.',
  },
  mappings: derived({
    STIG: ['CNTR-OS-000360'],
    nist53: ['CM-7(5)'],
    nist190: ['4.1.5', '4.4.5'],
  }),
};

export const pulledBeforePolicy: Rule = {
  id: 'images.pulled-before-policy',
  title: 'Images pulled before the policy was last changed satisfy it',
  severity: 'medium',
  rationale:
    'A policy speaks at the pull. What was on the node before the policy got its present content was never asked for it.',
  remediation: {
    kind: 'node',
    text: 'Sign the image, or remove it on the drained node (`crictl rmi`, `podman rmi`) so that its next pull is judged.',
  },
  mappings: derived({ nist53: ['CM-3', 'CM-5(3)'], nist190: ['4.1.5', '4.2.2'] }),
};

export const contentConsistent: Rule = {
  id: 'images.content-consistent',
  title: 'Stored manifests and configurations match their digests',
  severity: 'critical',
  rationale:
    'Podman and CRI-O read manifests and configurations from the store by name and never hash them again: what was ' +
    'written there runs.',
  remediation: {
    kind: 'node',
    text:
      'Treat it as an incident: keep the store as evidence, drain the node, wipe its store (`crio wipe -f`, ' +
      '`podman system reset`), and find out who wrote there.',
  },
  mappings: derived({ nist53: ['SI-7', 'SI-7(1)'], nist190: ['4.5.5'] }),
};

export const additionalStores: Rule = {
  id: 'images.additional-stores',
  title: 'No store of images, layers or artifacts besides the node’s own is configured',
  severity: 'medium',
  rationale:
    'What is in an additional store never came through a pull of this node, so no policy ever judged it, and containers ' +
    'are made of it all the same.',
  remediation: {
    kind: 'MachineConfig',
    text:
      'Take the folder out of `additionalimagestores` or `additionallayerstores` in storage.conf, or out of ' +
      '`additional_artifact_stores` in crio.conf, on OpenShift through the MachineConfig or ContainerRuntimeConfig that ' +
      'set it.',
  },
  mappings: derived({ nist53: ['CM-7(5)'], nist190: ['4.1.5'] }),
};

export const referenceQuality: Rule = {
  id: 'images.reference-quality',
  title: 'Images that containers use are referenced by digest',
  severity: 'info',
  rationale:
    'A tag means what its registry says today: a pod that starts again may get another image than the one that was looked ' +
    'at, and an old image stays in use unseen.',
  remediation: {
    kind: 'pod',
    text: 'Name the image by digest (`name@sha256:…`) in the workload, and build and roll it out anew when it is old.',
  },
  mappings: derived({ nist190: ['4.2.2'] }),
};
