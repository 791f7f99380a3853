import { messageOf } from '../../shared/errors.ts';
import { parseDigest } from '../../shared/trust/digest.ts';
import { ReleaseError } from './release-error.ts';

/** The images that a release names. */
export interface ReleaseContent {
  /** As `4.16.3`. */
  readonly version: string;
  /** `sha256:…` each. */
  readonly digests: ReadonlySet<string>;
}

/** Where it lies in a release image. */
export const REFERENCES_PATH = 'release-manifests/image-references';
/** A release names some 200 images in 150 KiB. */
export const REFERENCES_LIMIT_BYTES: number = 16 * 1024 * 1024;
/** What a version may be, for it is shown. */
const VERSION = /^[0-9A-Za-z][0-9A-Za-z.+_-]{0,127}$/;

/**
 * `/release-manifests/image-references`: an ImageStream whose tags are `repository@sha256:…`. A tag that names no image by
 * digest vouches for nothing. Throws `ReleaseError` when it is no such list, or no tag has a digest.
 */
export function parseReferences(bytes: Uint8Array, where: string): ReleaseContent {
  const fault = (what: string): ReleaseError =>
    new ReleaseError('ERR_RELEASE_REFERENCES', `${where}: ${what}`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw fault(`not JSON: ${messageOf(cause).slice(0, 200)}`);
  }
  if (memberOf(value, 'kind') !== 'ImageStream') throw fault('expected an ImageStream');
  const version = memberOf(memberOf(value, 'metadata'), 'name');
  if (typeof version !== 'string' || !VERSION.test(version)) {
    throw fault('metadata.name: expected the version of a release');
  }
  const tags = memberOf(memberOf(value, 'spec'), 'tags');
  if (!Array.isArray(tags)) throw fault('spec.tags: expected a list');
  const digests = new Set(tags.flatMap((tag) => digestIn(memberOf(tag, 'from')) ?? []));
  if (digests.size === 0) throw fault('spec.tags: none names an image by its digest');
  return { version, digests };
}

function digestIn(from: unknown): string | undefined {
  const name = memberOf(from, 'name');
  if (memberOf(from, 'kind') !== 'DockerImage' || typeof name !== 'string') return undefined;
  const digest = name.slice(name.indexOf('@') + 1);
  return name.includes('@') && parseDigest(digest)?.algorithm === 'sha256' ? digest : undefined;
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}
