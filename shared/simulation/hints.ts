import type { ImageOutcome } from '../simulation.ts';

/** What can be done about an image that would be refused or is undecided, by reason. */
const HINTS: Readonly<Record<string, string>> = {
  'policy-reject': 'add a scope for it to the candidate, or stop using it',
  'no-signature': 'sign it, or pull it again from where its signatures are',
  'blob-format': 'one of its signatures is damaged: sign it anew, or pull it again',
  'no-usable-keys': 'the key files of the candidate hold no key that can be used',
  'key-unreadable': 'put the key file on the nodes, or the key into the policy as keyData',
  'key-invalid': 'the key of the candidate cannot be read: check it with nodeseal policy validate',
  'openpgp-invalid':
    'add the key of its signer to the candidate, or sign it with a key that is in it',
  'signature-invalid':
    'add the key of its signer to the candidate, or sign it with a key that is in it',
  'all-signatures-rejected':
    'add the key of its signer to the candidate, or sign it with a key that is in it',
  'identity-mismatch':
    'it is signed under another name: see signedIdentity, as remapIdentity for a mirror',
  'unsupported-key-type': 'no tool implements this kind of key: use GPGKeys',
  'not-implemented': 'no tool implements this kind of requirement',
  'rekor-set': 'its signature is not in the transparency log that the candidate asks for',
  'certificate-issuer': 'its certificate comes from another issuer than the candidate asks for',
  'certificate-subject': 'its certificate is for another subject than the candidate asks for',
  'source-not-enabled':
    'its signatures are on a server: let the agent ask (sources in agent.yaml), or verify --sources',
  'node-not-asked': 'ask again when the node is back',
  'not-visible': 'the snapshot does not have it: save a new one on the node, with this candidate',
};

/** Undefined where there is nothing to say. */
export function hintFor({ reason = '' }: Pick<ImageOutcome, 'reason'>): string | undefined {
  return Object.hasOwn(HINTS, reason) ? HINTS[reason] : undefined;
}
