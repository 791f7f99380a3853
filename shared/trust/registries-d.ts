import { parseDigest } from './digest.ts';
import { type GoUrl, parseUrl, UrlError, urlText } from './go-url.ts';
import { memberPath } from './member-path.ts';
import type { Reference } from './reference.ts';
import {
  RegistriesDError,
  type RegistriesDSection,
  type RegistriesDWarning,
  readRegistriesDFile,
} from './registries-d-file.ts';
import { dockerScopes } from './scope-candidates.ts';

/** A folder registries.d, its files put together. */
export interface RegistriesD {
  readonly defaultDocker?: RegistriesDSection;
  /** By scope. */
  readonly docker: ReadonlyMap<string, RegistriesDSection>;
  readonly warnings: readonly RegistriesDWarning[];
}

/**
 * Reads the files of a folder, name to content, as containers-registries.d(5): those whose names end in `.yaml`; the
 * same scope in two of them is an error, used or not. No file is an empty configuration. Throws `RegistriesDError`.
 */
export function parseRegistriesD(files: ReadonlyMap<string, string | Uint8Array>): RegistriesD {
  const docker = new Map<string, RegistriesDSection>();
  const warnings: RegistriesDWarning[] = [];
  let defaultDocker: RegistriesDSection | undefined;
  for (const [file, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!file.endsWith('.yaml')) {
      const message = 'is not read: only names that end in .yaml are';
      if (/\.ya?ml$/i.test(file)) warnings.push({ file, path: '', message });
      continue;
    }
    const found = readRegistriesDFile(file, content);
    warnings.push(...found.warnings);
    if (found.defaultDocker !== undefined) {
      refuseSecond('duplicate-default', file, 'default-docker', defaultDocker);
      defaultDocker = found.defaultDocker;
    }
    for (const [scope, section] of found.docker) {
      refuseSecond('duplicate-scope', file, memberPath('docker', scope), docker.get(scope));
      docker.set(scope, section);
    }
  }
  return { ...(defaultDocker === undefined ? {} : { defaultDocker }), docker, warnings };
}

function refuseSecond(
  reason: 'duplicate-default' | 'duplicate-scope',
  file: string,
  path: string,
  first: RegistriesDSection | undefined,
): void {
  if (first === undefined) return;
  const message = `${path}: expected it in one file, found it in ${first.file} too`;
  throw new RegistriesDError(reason, message, { file, path });
}

/** Who says so; nothing for what is built into the library. */
export interface RegistriesDOrigin {
  /** A scope of `docker`, or `default-docker`. */
  readonly scope?: string;
  /** Name in the folder. */
  readonly file?: string;
}
/** What registries.d says of one image. Each setting is looked up on its own. */
export interface RegistriesDLookup {
  /** `base`: the address as configured. Never off: without any the library uses one on the node's own disk. */
  readonly lookaside: RegistriesDOrigin & { readonly base: string };
  readonly useSigstoreAttachments: boolean;
  /** Who decided on the attachments. */
  readonly attachments: RegistriesDOrigin;
}
export interface RegistriesDOptions {
  /** Home of a user other than root: his own lookaside is built in there. Default: that of root. */
  readonly home?: string;
  /** Look where signatures would be written to. Default false. */
  readonly isWriting?: boolean;
}

/**
 * What registries.d says of an image under the name by which it is really fetched (a mirror's, not the user's): by
 * the scopes of docker policies, then `default-docker`. Throws `RegistriesDError` for an address that is none, and
 * `ImageReferenceError` for a reference with both tag and digest.
 */
export function lookupRegistriesD(
  config: RegistriesD,
  reference: Reference,
  options: RegistriesDOptions = {},
): RegistriesDLookup {
  const scopes = dockerScopes(reference).map((scope) => [scope, config.docker.get(scope)] as const);
  const sections = [...scopes, ['default-docker', config.defaultDocker] as const];
  const lookaside = firstSet(sections, (section) => lookasideOf(section, options));
  const attachments = firstSet(sections, ({ useSigstoreAttachments }) => useSigstoreAttachments);
  const { value: base = builtInLookaside(options.home), ...origin } = lookaside;
  const { value: useSigstoreAttachments = false, ...decidedBy } = attachments;
  readAddress(base, origin);
  return { lookaside: { base, ...origin }, useSigstoreAttachments, attachments: decidedBy };
}

function firstSet<T>(
  sections: readonly (readonly [string, RegistriesDSection | undefined])[],
  read: (section: RegistriesDSection) => T | undefined,
): RegistriesDOrigin & { readonly value?: T } {
  for (const [scope, section] of sections) {
    const value = section && read(section);
    if (section !== undefined && value !== undefined) return { value, scope, file: section.file };
  }
  return {};
}

function lookasideOf(
  { lookaside, sigstore, lookasideStaging, sigstoreStaging }: RegistriesDSection,
  { isWriting = false }: RegistriesDOptions,
): string | undefined {
  const staging = isWriting ? (lookasideStaging ?? sigstoreStaging) : undefined;
  return staging ?? lookaside ?? sigstore;
}

function builtInLookaside(home: string | undefined): string {
  if (home === undefined) return 'file:///var/lib/containers/sigstore';
  return urlText({ ...parseUrl('file:///'), path: `${home}/.local/share/containers/sigstore` });
}

/** The folder of one repository in a lookaside: the base, a slash, and the path without host, tag and digest. */
export function repositoryUrl(base: string, { path }: Reference): string {
  return urlText(inRepository(base, path));
}

/**
 * Address of a signature in a lookaside; `index` counts from 0, the name of the file from 1. `digest` is the
 * manifest's; undefined when it is none. Throws `RegistriesDError` for a base that is no address.
 */
export function signatureUrl(
  base: string,
  { path }: Reference,
  digest: string,
  index: number,
): string | undefined {
  const { algorithm, hex } = parseDigest(digest) ?? {};
  if (algorithm === undefined) return undefined;
  const url = inRepository(base, path);
  return urlText({ ...url, path: `${url.path}@${algorithm}=${hex}/signature-${index + 1}` });
}

/** Tag of the manifest that holds the sigstore attachments of an image; undefined for a text that is no digest. */
export function attachmentTag(digest: string): string | undefined {
  const parsed = parseDigest(digest);
  return parsed && `${parsed.algorithm}-${parsed.hex}.sig`;
}

/** Slashes are not merged: a base that ends in one gives two. */
function inRepository(base: string, path: string): GoUrl {
  const url = readAddress(base, {});
  return { ...url, path: `${url.path}/${path}` };
}

function readAddress(base: string, { scope, file = '' }: RegistriesDOrigin): GoUrl {
  try {
    return parseUrl(base);
  } catch (error) {
    if (!(error instanceof UrlError)) throw error;
    const isInDocker = scope !== undefined && scope !== 'default-docker';
    const path = isInDocker ? memberPath('docker', scope) : (scope ?? '');
    throw new RegistriesDError('url', error.message, { file, path }, { cause: error });
  }
}
