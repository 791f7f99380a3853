import { createHash } from 'node:crypto';
import { decodeBase64 } from '../base64.ts';
import type { SignedBy, SigstoreSigned } from '../policy-types.ts';
import { SignatureError } from '../signature-error.ts';
import { readPublicKey } from '../sigstore/keys.ts';
import { fingerprint } from '../sigstore/public-key.ts';

/** One key, or keyring, that a requirement names. */
export interface KeySource {
  /** The same for two sources that are known to hold the same. */
  readonly id: string;
  /** File it is in; absent for a key in the policy itself. */
  readonly path?: string;
  /** Decoded content of a key in the policy itself. */
  readonly data?: Uint8Array;
  /** Known to be unusable, so that its requirement can never be met. */
  readonly isUnusable: boolean;
  /** `sha256:…` of a sigstore key in the policy itself. */
  readonly fingerprint?: string;
}

/** OpenPGP keyrings of a requirement. Their content is not read; only the empty one is known to be unusable. */
export function openPgpSources({ keyPath, keyPaths, keyData }: SignedBy): readonly KeySource[] {
  return [
    ...(keyPaths ?? (keyPath === undefined ? [] : [keyPath])).map(inFile),
    ...(keyData === undefined ? [] : [keyData]).map((text) => {
      const data = decodeBase64(text) ?? new Uint8Array();
      return { id: `data:${hashOf(data)}`, data, isUnusable: data.length === 0 };
    }),
  ];
}

/** Keys that may have signed an image. */
export function sigstoreSources(requirement: SigstoreSigned): readonly KeySource[] {
  const { keyPath, keyPaths, keyData, keyDatas } = requirement;
  return sources(
    keyPaths ?? (keyPath === undefined ? [] : [keyPath]),
    keyDatas ?? (keyData === undefined ? [] : [keyData]),
    false,
  );
}

/** Keys of the transparency log; empty when none is asked for. */
export function logSources(requirement: SigstoreSigned): readonly KeySource[] {
  const { rekorPublicKeyPath: path, rekorPublicKeyPaths: paths } = requirement;
  const { rekorPublicKeyData: data, rekorPublicKeyDatas: datas } = requirement;
  return sources(
    paths ?? (path === undefined ? [] : [path]),
    datas ?? (data === undefined ? [] : [data]),
    true,
  );
}

/** A file of certificates, or certificates in the policy itself; undefined for neither. */
export function authorityId(
  path: string | undefined,
  data: string | undefined,
): string | undefined {
  if (path !== undefined) return `file:${path}`;
  return data === undefined ? undefined : `data:${hashOf(decodeBase64(data) ?? new Uint8Array())}`;
}

function sources(
  paths: readonly string[],
  datas: readonly string[],
  isLog: boolean,
): readonly KeySource[] {
  return [...paths.map(inFile), ...datas.map((text) => sigstoreKey(text, isLog))];
}

function inFile(path: string): KeySource {
  return { id: `file:${path}`, path, isUnusable: false };
}

/** Keys kept; clusters write one key into every scope and into the policy of every namespace. */
const MAX_KNOWN = 256;
const knownSigners = new Map<string, KeySource>();
const knownLogs = new Map<string, KeySource>();

/** By the key itself, so that the same key in another layout is the same. */
function sigstoreKey(text: string, isLog: boolean): KeySource {
  const known = isLog ? knownLogs : knownSigners;
  const source = known.get(text);
  if (source !== undefined) return source;
  const read = readSigstoreKey(text, isLog);
  known.set(text, read);
  const [oldest] = known.keys();
  if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
  return read;
}

function readSigstoreKey(text: string, isLog: boolean): KeySource {
  const data = decodeBase64(text) ?? new Uint8Array();
  try {
    const key = readPublicKey(data, 'key');
    const print = fingerprint(key);
    const isUnusable = isLog && key.algorithm !== 'ecdsa';
    return { id: print, data, isUnusable, fingerprint: print };
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    // A key this machine cannot use may be usable elsewhere.
    const isUnusable = error.code !== 'algorithm-unavailable';
    return { id: `data:${hashOf(data)}`, data, isUnusable };
  }
}

function hashOf(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
