import { hash } from 'node:crypto';
import { CodedError } from '../errors.ts';
import { JsonError, type JsonNode, type JsonObject, parseJson } from './json.ts';
import { foldedMembers, listNode, objectNode, readString, wrongType } from './json-reader.ts';
import { strippedSchema1 } from './schema1.ts';

/** A manifest whose digest or content cannot be told. */
export class ManifestError extends CodedError<'ERR_MANIFEST'> {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_MANIFEST', `manifest: ${message}`, options);
  }
}

export const MANIFEST_TYPE = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  schema1: 'application/vnd.docker.distribution.manifest.v1+json',
  schema1Signed: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
} as const;

const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
const DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json';
const DECLARED: readonly string[] = [
  MANIFEST_TYPE.ociManifest,
  MANIFEST_TYPE.ociIndex,
  MANIFEST_TYPE.dockerManifest,
  MANIFEST_TYPE.dockerList,
];

/**
 * Media type of a manifest by its content alone, as `manifest.GuessMIMEType` of containers/image; '' when it is none.
 * Members are read as Go does: without regard to case, the last one counts, null is nothing.
 */
export function guessManifestType(bytes: Uint8Array): string {
  const manifest = readObjectOrNothing(bytes);
  return manifest === undefined ? '' : (typeOf(manifest) ?? '');
}

/**
 * Digest by which signatures and references mean the manifest: SHA-256 of its bytes, of a signed schema 1 manifest of
 * those bytes without its own signatures. Throws `ManifestError` when these cannot be taken off.
 */
export function manifestDigest(bytes: Uint8Array): string {
  const manifest = mayHoldSignatures(bytes) ? readObjectOrNothing(bytes) : undefined;
  if (manifest === undefined || typeOf(manifest) !== MANIFEST_TYPE.schema1Signed) {
    return digestOf(bytes);
  }
  try {
    return digestOf(strippedSchema1(bytes, manifest));
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw new ManifestError(`its own signatures cannot be taken off: ${cause.message}`, { cause });
  }
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${hash('sha256', bytes)}`;
}

/** Spares reading most manifests: a member `signatures` shows in the text unless it is escaped or folded from Unicode. */
function mayHoldSignatures(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  return /signatures|[\\\x80-\xff]/i.test(text);
}

/** One image of a list or index. */
export interface ManifestInstance {
  readonly digest: string;
  readonly mediaType: string;
  readonly os?: string;
  readonly architecture?: string;
  readonly variant?: string;
}

/** Images of an index or manifest list, in order; throws `ManifestError` when it is none. */
export function manifestInstances(bytes: Uint8Array): readonly ManifestInstance[] {
  return readManifest(bytes, (manifest) => {
    const type = typeOf(manifest);
    if (type !== MANIFEST_TYPE.ociIndex && type !== MANIFEST_TYPE.dockerList) {
      throw new ManifestError(`expected a list of images, found ${type || 'no known type'}`);
    }
    return lastList(manifest, 'manifests').map(readInstance);
  });
}

/** Digest of the configuration, by which a store names the image; undefined for schema 1, which has none. */
export function configDigest(bytes: Uint8Array): string | undefined {
  return readManifest(bytes, (manifest) => {
    const config = lastObject(manifest, 'config');
    return config === undefined ? undefined : lastString(config, 'digest');
  });
}

function readManifest<T>(bytes: Uint8Array, read: (manifest: JsonObject) => T): T {
  try {
    return read(objectNode(parseJson(bytes)));
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw new ManifestError(cause.message, { cause });
  }
}

function readObjectOrNothing(bytes: Uint8Array): JsonObject | undefined {
  try {
    return objectNode(parseJson(bytes));
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

/** Undefined when a member that is looked at is of another kind than Go's decoder expects. */
function typeOf(manifest: JsonObject): string | undefined {
  try {
    const declared = lastString(manifest, 'mediaType');
    const version = lastInteger(manifest, 'schemaVersion');
    if (DECLARED.includes(declared ?? '')) return declared;
    if (version === 1) {
      const signatures = foldedMembers(manifest, 'signatures').at(-1);
      return signatures === undefined || signatures.kind === 'null'
        ? MANIFEST_TYPE.schema1
        : MANIFEST_TYPE.schema1Signed;
    }
    return version === 2 ? schema2Type(manifest) : '';
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

function schema2Type(manifest: JsonObject): string {
  const config = lastObject(manifest, 'config');
  const configType = (config && lastString(config, 'mediaType')) ?? '';
  if (configType === OCI_CONFIG) return MANIFEST_TYPE.ociManifest;
  if (configType === DOCKER_CONFIG) return MANIFEST_TYPE.dockerManifest;
  const instances = lastList(manifest, 'manifests').map(readInstance);
  if (instances.length === 0) return MANIFEST_TYPE.ociManifest;
  // containers/image mixes up types of manifests and of configurations here; so does the node.
  return configType === '' ? MANIFEST_TYPE.ociIndex : configType;
}

function readInstance(node: JsonNode): ManifestInstance {
  if (node.kind === 'null') return { digest: '', mediaType: '' };
  const instance = objectNode(node);
  lastInteger(instance, 'size');
  const platform = lastObject(instance, 'platform');
  const os = platform && lastString(platform, 'os');
  const architecture = platform && lastString(platform, 'architecture');
  const variant = platform && lastString(platform, 'variant');
  return {
    digest: lastString(instance, 'digest') ?? '',
    mediaType: lastString(instance, 'mediaType') ?? '',
    ...(os === undefined ? {} : { os }),
    ...(architecture === undefined ? {} : { architecture }),
    ...(variant === undefined ? {} : { variant }),
  };
}

/** The values Go's decoder would use one after the other; null leaves what was there. */
function values(object: JsonObject, name: string): readonly JsonNode[] {
  return foldedMembers(object, name).filter((node) => node.kind !== 'null');
}

function lastString(object: JsonObject, name: string): string | undefined {
  return values(object, name).map(readString).at(-1);
}

function lastInteger(object: JsonObject, name: string): number | undefined {
  return values(object, name)
    .map((node) => {
      if (node.kind !== 'number' || !/^-?\d{1,18}$/.test(node.text)) {
        throw wrongType(node, 'a whole number');
      }
      return Number(node.text);
    })
    .at(-1);
}

/** Several objects under one name are read into one, as Go does. */
function lastObject(object: JsonObject, name: string): JsonObject | undefined {
  const [first, ...rest] = values(object, name).map(objectNode);
  if (first === undefined) return undefined;
  return { ...first, members: [first, ...rest].flatMap(({ members }) => members) };
}

function lastList(object: JsonObject, name: string): readonly JsonNode[] {
  return values(object, name).map(listNode).at(-1)?.items ?? [];
}
