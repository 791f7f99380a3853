import { loadKeys } from '../../shared/trust/openpgp/keys.ts';
import { verifySignature } from '../../shared/trust/verify-signature.ts';
import { type Host, HostError, openHost } from '../host.ts';
import { findSignatures } from '../signatures/mirror-layout.ts';
import { ReleaseError } from './release-error.ts';

/** How releases are verified beside the policy of the node. */
export interface ReleaseSettings {
  /** OpenPGP public keys. Each file has to have signed; of several keys in one file any may have. */
  readonly keyFiles: readonly string[];
  /** True when the key files are this machine's, as the other files here; default: the node's. */
  readonly areKeysHere?: boolean;
  /** Folder of this machine with `sha256=<hex>/signature-1`, …: the layout of Red Hat's mirror. */
  readonly signatures: string;
  /** A release's list of images, as a file of this machine, for nodes that do not hold the release image. */
  readonly imageReferences?: string;
  /** Digest of the release image that list is of; its signature has to verify all the same. */
  readonly image?: string;
}

/** Files of this machine or container, never under the host root. */
export const thisMachine: Host = openHost('/');
/** As many as the cluster-version operator reads. */
const MOST_SIGNATURES = 9;
const SIGNATURE_LIMIT_BYTES = 64 * 1024;

/**
 * Signers of the release with this digest, by fingerprint. Needed is what the cluster-version operator needs before an
 * update (library-go, pkg/verify): for every key file one simple signature of that digest, of the right type, whose
 * reference is whatever but not empty. It is laxer than this with OpenPGP: it takes expired keys and data after the
 * message; and it knows no EdDSA. Here a message is judged as containers/image would.
 * Throws `ReleaseError` when there is no such signature, `HostError` for files that cannot be read.
 */
export async function releaseSigners(
  { keyFiles, areKeysHere, signatures }: ReleaseSettings,
  node: Host,
  digest: string,
  nowMs: number,
): Promise<readonly string[]> {
  const files = await signatureFiles(signatures, digest);
  const blobs = await Promise.all(
    files.map((file) => readWhole(thisMachine, file, SIGNATURE_LIMIT_BYTES)),
  );
  const signers = new Set<string>();
  for (const path of keyFiles) {
    const keys = await loadKeys([await readWhole(areKeysHere ? thisMachine : node, path)]);
    const answers = blobs.map((signature) =>
      verifySignature({ manifest: { digest }, keys, signature, nowMs }),
    );
    const good = answers.flatMap((answer) =>
      answer.accepted && answer.reference !== '' ? answer.fingerprint : [],
    );
    if (good.length === 0) {
      const reasons = answers.map((answer) =>
        answer.accepted ? 'the signed reference is empty' : answer.message,
      );
      const message = `no signature of ${digest} by the keys of ${path}: ${reasons.join('; ')}`;
      throw new ReleaseError('ERR_RELEASE_SIGNATURE', message);
    }
    for (const signer of good) signers.add(signer);
  }
  return [...signers];
}

async function signatureFiles(folder: string, digest: string): Promise<readonly string[]> {
  const found = await findSignatures((path) => thisMachine.list(path), folder, digest);
  if (found.kind === 'found') return found.files.slice(0, MOST_SIGNATURES);
  const message =
    found.kind === 'none'
      ? `no signature of ${digest}: looked for ${found.looked.join(', ')}`
      : `no signature of ${digest}: ${folder} holds those of ${found.digest}`;
  throw new ReleaseError('ERR_RELEASE_SIGNATURE', message);
}

/** A file that has to be there. Throws `HostError`. */
export async function readWhole(host: Host, path: string, limitBytes?: number): Promise<Buffer> {
  const bytes = await host.readBytes(path, limitBytes);
  if (bytes !== undefined) return bytes;
  throw new HostError('ERR_HOST_IO', path, 'no such file');
}
