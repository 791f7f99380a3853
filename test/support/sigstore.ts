import { createHash, sign } from 'node:crypto';
import { canonicalJson, type Json, sha256 } from '../../shared/canonical.ts';
import type { TestKey } from './certificates.ts';

/** The manifest that the signatures of the tests are about. */
export const MANIFEST: Buffer = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: sha256(''), size: 0 },
    layers: [],
  }),
);
export const REFERENCE = 'registry.example.com/team/app:v1';
export const MEDIA_TYPE = 'application/vnd.dev.cosign.simplesigning.v1+json';
export const ANNOTATION = {
  signature: 'dev.cosignproject.cosign/signature',
  bundle: 'dev.sigstore.cosign/bundle',
  certificate: 'dev.sigstore.cosign/certificate',
  chain: 'dev.sigstore.cosign/chain',
} as const;

/** The document that is signed, as cosign writes it, with members replaced. */
export function payloadOf(
  changes: {
    readonly digest?: string;
    readonly reference?: string;
    readonly type?: string;
    readonly optional?: Json | undefined;
  } = {},
): Buffer {
  const { digest = sha256(MANIFEST), reference = REFERENCE } = changes;
  const critical = {
    identity: { 'docker-reference': reference },
    image: { 'docker-manifest-digest': digest },
    type: changes.type ?? 'cosign container image signature',
  };
  const optional = 'optional' in changes ? changes.optional : null;
  return Buffer.from(JSON.stringify({ critical, optional }));
}

export function signPayload(key: TestKey, payload: Uint8Array, hash = 'sha256'): Buffer {
  const isEd25519 = key.privateKey.asymmetricKeyType === 'ed25519';
  return sign(isEd25519 ? null : hash, payload, key.privateKey);
}

/** A signature in stored form: NUL, format name, LF, JSON. */
export function storedBlob(
  payload: Uint8Array,
  annotations: Readonly<Record<string, string>>,
  mimeType: string = MEDIA_TYPE,
): Buffer {
  const record = { mimeType, payload: Buffer.from(payload).toString('base64'), annotations };
  return stored(JSON.stringify(record));
}

export function stored(json: string): Buffer {
  return Buffer.from(`\0sigstore-json\n${json}`);
}

/** A good signature with a key alone. */
export function keySigned(key: TestKey, payload: Buffer = payloadOf()): Buffer {
  const signature = signPayload(key, payload).toString('base64');
  return storedBlob(payload, { [ANNOTATION.signature]: signature });
}

/** What a log entry records, and what of it is to be otherwise. */
export interface EntryOptions {
  readonly log: TestKey;
  /** PEM of the key or certificate. */
  readonly keyOrCertificate: string;
  readonly signature: Uint8Array;
  readonly payload: Uint8Array;
  /** Seconds since 1970. */
  readonly integratedTime?: number;
  /** Replaces the body before it is signed by the log. */
  readonly body?: (body: Json) => Json;
  /** Replaces the payload before it is signed by the log. */
  readonly entry?: (entry: { readonly [name: string]: Json }) => Json;
}

/** A Rekor bundle as cosign annotates it. */
export function bundleOf(options: EntryOptions): { SignedEntryTimestamp: string; Payload: Json } {
  const { log, keyOrCertificate, signature, payload } = options;
  const body: Json = {
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: {
        hash: { algorithm: 'sha256', value: createHash('sha256').update(payload).digest('hex') },
      },
      signature: {
        content: Buffer.from(signature).toString('base64'),
        publicKey: { content: Buffer.from(keyOrCertificate).toString('base64') },
      },
    },
  };
  const changed = JSON.stringify(options.body?.(body) ?? body);
  const entry = {
    body: Buffer.from(changed).toString('base64'),
    integratedTime: options.integratedTime ?? 1_700_000_000,
    logIndex: 7,
    logID: 'c0d23d6ad406973f9559f3ba2d1ca01f84147d8ffc5b8445c224f98b9591801d',
  };
  const Payload = options.entry?.(entry) ?? entry;
  const timestamp = sign('sha256', Buffer.from(canonicalJson(Payload)), log.privateKey);
  return { SignedEntryTimestamp: timestamp.toString('base64'), Payload };
}
