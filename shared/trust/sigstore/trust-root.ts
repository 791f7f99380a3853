import { messageOf } from '../../errors.ts';
import { decodeBase64 } from '../base64.ts';
import type { FulcioTrust, PkiTrust, SigstoreSigned } from '../policy-types.ts';
import { SignatureError } from '../signature-error.ts';
import type { EvaluationContext } from '../verdict-types.ts';
import { type Certificate, readAnchors, readCertificates } from './certificate.ts';
import { readPublicKey } from './keys.ts';
import type { PkiAnchors } from './pki.ts';
import { fingerprint, type PublicKey } from './public-key.ts';

/** What a requirement trusts, loaded: keys, or one kind of certificate authority; with them perhaps a log. */
export type TrustRoot =
  | { readonly kind: 'keys'; readonly keys: readonly PublicKey[]; readonly log?: LogKeys }
  | {
      readonly kind: 'fulcio';
      readonly fulcio: FulcioTrust;
      readonly anchors: readonly Certificate[];
      readonly log: LogKeys;
    }
  | { readonly kind: 'pki'; readonly pki: PkiTrust; readonly anchors: PkiAnchors };

/** Keys of a transparency log, any of which may have signed; never empty. */
export type LogKeys = readonly PublicKey[];

type ReadFile = EvaluationContext['readFile'];

/**
 * Loads every key and certificate that a requirement names. One that cannot be read or used spoils all of it: throws
 * `SignatureError` "key-unreadable", "key-invalid" or "certificate-invalid".
 */
export async function loadTrustRoot(
  requirement: SigstoreSigned,
  readFile: ReadFile,
): Promise<TrustRoot> {
  const { fulcio, pki } = requirement;
  const keyFiles = await readSources(keySources(requirement), readFile);
  const keys = keyFiles.map(({ bytes, what }) => readPublicKey(bytes, what));
  const anchors = fulcio && (await readFulcioAnchors(fulcio, readFile));
  const log = await readLogKeys(requirement, readFile);
  if (pki !== undefined) return { kind: 'pki', pki, anchors: await readPkiAnchors(pki, readFile) };
  if (fulcio !== undefined && anchors !== undefined) {
    if (log.length === 0) throw invalid('expected a Rekor key beside fulcio');
    return { kind: 'fulcio', fulcio, anchors, log };
  }
  if (keys.length === 0) throw invalid('expected a key');
  return log.length === 0 ? { kind: 'keys', keys } : { kind: 'keys', keys, log };
}

/** Fingerprints of the keys, or of the certificate authorities' keys, that a signature may come from. */
export function trustedFingerprints(root: TrustRoot): readonly string[] {
  if (root.kind === 'keys') return root.keys.map(fingerprint);
  const anchors = root.kind === 'pki' ? root.anchors.roots : root.anchors;
  return anchors.flatMap(({ publicKey }) => (publicKey ? [fingerprint(publicKey)] : []));
}

/** Where bytes come from; `what` names the place in messages. */
type Source =
  | { readonly what: string; readonly path: string }
  | { readonly what: string; readonly data: string };

interface Content {
  readonly what: string;
  readonly bytes: Uint8Array;
}

function keySources(requirement: SigstoreSigned): readonly Source[] {
  const { keyPath, keyPaths, keyData, keyDatas } = requirement;
  return [
    ...paths('key', keyPaths ?? (keyPath === undefined ? [] : [keyPath])),
    ...datas('keyData', keyDatas ?? (keyData === undefined ? [] : [keyData])),
  ];
}

async function readLogKeys(requirement: SigstoreSigned, readFile: ReadFile): Promise<LogKeys> {
  const { rekorPublicKeyPath: path, rekorPublicKeyPaths = path === undefined ? [] : [path] } =
    requirement;
  const { rekorPublicKeyData: data, rekorPublicKeyDatas = data === undefined ? [] : [data] } =
    requirement;
  const sources = [
    ...paths('Rekor key', rekorPublicKeyPaths),
    ...datas('rekorPublicKeyData', rekorPublicKeyDatas),
  ];
  const keys: PublicKey[] = [];
  for (const { bytes, what } of await readSources(sources, readFile)) {
    const key = readPublicKey(bytes, what);
    if (key.algorithm !== 'ecdsa') throw invalid(`${what}: expected an ECDSA key`);
    keys.push(key);
  }
  return keys;
}

async function readFulcioAnchors(
  { caPath, caData }: FulcioTrust,
  readFile: ReadFile,
): Promise<readonly Certificate[]> {
  const sources = [...pathOf('Fulcio CA', caPath), ...dataOf('caData', caData)];
  const files = await readSources(sources, readFile);
  return files.flatMap(({ bytes, what }) => readAnchors(bytes, what));
}

async function readPkiAnchors(pki: PkiTrust, readFile: ReadFile): Promise<PkiAnchors> {
  const rootFiles = await readSources(
    [...pathOf('CA roots', pki.caRootsPath), ...dataOf('caRootsData', pki.caRootsData)],
    readFile,
  );
  const roots = rootFiles.flatMap(({ bytes, what }) => readAnchors(bytes, what));
  const files = await readSources(
    [
      ...pathOf('CA intermediates', pki.caIntermediatesPath),
      ...dataOf('caIntermediatesData', pki.caIntermediatesData),
    ],
    readFile,
  );
  const intermediates = files.flatMap(({ bytes, what }) =>
    readCertificates(Buffer.from(bytes).toString('latin1'), what),
  );
  return { roots, intermediates };
}

function paths(kind: string, files: readonly string[]): readonly Source[] {
  return files.map((path) => ({ what: `${kind} ${path}`, path }));
}

function datas(name: string, texts: readonly string[]): readonly Source[] {
  return texts.map((data) => ({ what: name, data }));
}

function pathOf(kind: string, path: string | undefined): readonly Source[] {
  return path === undefined ? [] : paths(kind, [path]);
}

function dataOf(name: string, data: string | undefined): readonly Source[] {
  return data === undefined ? [] : datas(name, [data]);
}

async function readSources(
  sources: readonly Source[],
  readFile: ReadFile,
): Promise<readonly Content[]> {
  const contents: Content[] = [];
  for (const source of sources) {
    contents.push({ what: source.what, bytes: await readSource(source, readFile) });
  }
  return contents;
}

async function readSource(source: Source, readFile: ReadFile): Promise<Uint8Array> {
  if ('data' in source) {
    const bytes = decodeBase64(source.data);
    if (bytes === undefined) throw invalid(`${source.what}: expected base64`);
    return bytes;
  }
  try {
    return await readFile(source.path);
  } catch (cause) {
    const message = `${source.what} cannot be read: ${messageOf(cause)}`;
    throw new SignatureError('key-unreadable', message, { cause });
  }
}

function invalid(message: string): SignatureError {
  return new SignatureError('key-invalid', message);
}
