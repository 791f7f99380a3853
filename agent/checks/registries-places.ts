import { posix } from 'node:path';
import { type Reference, tryParseReference } from '../../shared/trust/reference.ts';
import { type RegistriesConf, resolveRegistry } from '../../shared/trust/registries-conf.ts';

/** Where images are really fetched from, which is what registries.d is looked up by. */
export interface PlaceOfImages {
  /** The scope itself, or the same scope of a mirror. */
  readonly scope: string;
  readonly reference: Reference;
}

const SOME_DIGEST = `sha256:${'0'.repeat(64)}`;

/** The places of the images that a scope speaks for: its mirrors by tag and by digest, and itself. */
export function placesUnder(conf: RegistriesConf, scope: string): readonly PlaceOfImages[] {
  const image = imageUnder(scope);
  if (image === undefined) return [];
  const isHost = !scope.includes('/');
  const sources = [image, byDigest(image)].flatMap((one) => resolveRegistry(conf, one).sources);
  return sources.map(({ reference, isMirror }) => ({
    scope: isMirror ? (isHost ? posix.dirname(reference.name) : reference.name) : scope,
    reference,
  }));
}

/** Some image that a scope, or the prefix of a registry, speaks for; undefined where there is none. */
export function imageUnder(scope: string): Reference | undefined {
  if (scope === '') return undefined;
  const isHost = !scope.includes('/');
  return tryParseReference(isHost ? `${scope.replace(/^\*\./, 'any.')}/any` : scope);
}

/** The same image, meant by a digest in place of a tag. */
export function byDigest(image: Reference): Reference {
  return image.digest === undefined
    ? (tryParseReference(`${image.name}@${SOME_DIGEST}`) ?? image)
    : image;
}

/** True for a name, host, or scope that one of the entries covers: a host, the beginning of a name, or `*.domain`. */
export function isCovered(entries: readonly string[], name: string): boolean {
  return entries.some((written) => {
    const entry = written.replace(/\/+$/, '');
    if (entry.startsWith('*.')) return hostOf(name).endsWith(entry.slice(1));
    return name === entry || (name.startsWith(entry) && /^[/:@]/.test(name.slice(entry.length)));
  });
}

/** Without its port. */
function hostOf(name: string): string {
  return /^[^/:@]*/.exec(name)?.[0] ?? '';
}
