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
