import { createHash } from 'node:crypto';
import { sha256 } from '../../shared/canonical.ts';
import { ecKey, type TestKey } from './certificates.ts';
import { keySigned, payloadOf } from './sigstore.ts';
import type { Files, StoreImage } from './store-tree.ts';

/** The key that the test policy trusts, and one that it does not know. */
export const KEY: TestKey = ecKey();
export const OTHER_KEY: TestKey = ecKey();
/** Where the test policy looks for `KEY`. */
export const KEY_PATH = '/etc/pki/containers/test.pub';

/** `sha256:` of the trusted key's SPKI, as verdicts name a signer. */
export const SIGNER: string = sha256(KEY.publicKey.export({ type: 'spki', format: 'der' }));

export function manifestOf(seed: string): Buffer {
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const config = {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    digest: sha256(seed),
    size: seed.length,
  };
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [] }));
}

export function indexOf(...manifests: readonly Buffer[]): Buffer {
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const instances = manifests.map((manifest, index) => ({
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: sha256(manifest),
    size: manifest.length,
    platform: { os: 'linux', architecture: index === 0 ? 'amd64' : 'arm64' },
  }));
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests: instances }));
}

/** A signature that says of the manifest that it is `reference`. */
export function signed(reference: string, manifest: Buffer, key: TestKey = KEY): Buffer {
  return keySigned(key, payloadOf({ reference, digest: sha256(manifest) }));
}

/** How an image came to the node. */
export interface Pull {
  readonly seed: string;
  readonly names?: readonly string[];
  readonly manifest?: Buffer;
  readonly signatures?: readonly Buffer[];
  /** The list it was pulled through. */
  readonly list?: Buffer;
}

export function imageId(seed: string): string {
  return createHash('sha256').update(seed).digest('hex');
}

/** An image as containers/image leaves it in a store after a pull. */
export function pulled(pull: Pull): StoreImage & { readonly data: Record<string, Buffer> } {
  const { seed, names, manifest = manifestOf(seed), signatures = [], list } = pull;
  const digest = sha256(manifest);
  const sizes = signatures.map(({ length }) => length);
  const all = Buffer.concat(signatures);
  const data: Record<string, Buffer> = { manifest, [`manifest-${digest}`]: manifest };
  if (list !== undefined) data[`manifest-${sha256(list)}`] = list;
  if (sizes.length > 0)
    Object.assign(data, { signatures: all, [`signature-${digest.slice(7)}`]: all });
  const bigDataDigests = Object.entries(data).map(([key, content]) => [key, sha256(content)]);
  return {
    id: imageId(seed),
    ...(names === undefined ? {} : { names }),
    digest: list === undefined ? digest : sha256(list),
    data,
    metadata:
      sizes.length === 0
        ? {}
        : { 'signature-sizes': sizes, 'signatures-sizes': { [digest]: sizes } },
    record: { 'big-data-digests': Object.fromEntries(bigDataDigests) },
  };
}

type Requirements = readonly Readonly<Record<string, string>>[];

/** A policy.json as far as the tests write one. */
export interface TestPolicy {
  readonly default: Requirements;
  readonly transports: Readonly<Record<string, Readonly<Record<string, Requirements>>>>;
}

/** The requirement that an image be signed by `KEY`. */
export const SIGNED: Requirements = [{ type: 'sigstoreSigned', keyPath: KEY_PATH }];
export const ANYTHING: Requirements = [{ type: 'insecureAcceptAnything' }];

/** Rejects all but registry.example.com, whose images have to be signed by `KEY`, and any.example.com. */
export const POLICY: TestPolicy = {
  default: [{ type: 'reject' }],
  transports: { docker: { 'registry.example.com': SIGNED, 'any.example.com': ANYTHING } },
};

/** What a node declares of its trust in images. */
export function trustFiles(policy: unknown = POLICY): Files {
  return {
    '/etc/containers/policy.json': typeof policy === 'string' ? policy : JSON.stringify(policy),
    [KEY_PATH]: KEY.pem,
  };
}

/** A lookaside on the node's own disk, where registries.d is silent: the place that is built in. */
export function lookasideFiles(
  repository: string,
  manifest: Buffer,
  signatures: readonly (Buffer | undefined)[],
  folder = '/var/lib/containers/sigstore',
): Files {
  const files: Files = {};
  for (const [index, signature] of signatures.entries()) {
    const name = `${repository}@${sha256(manifest).replace(':', '=')}/signature-${index + 1}`;
    if (signature !== undefined) files[`${folder}/${name}`] = signature;
  }
  return files;
}
