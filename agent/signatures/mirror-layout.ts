import { posix } from 'node:path';
import { parseDigest } from '../../shared/trust/digest.ts';

/** Names in a folder; undefined when there is no such folder. May throw: then nothing is said of the folder. */
export type ListFolder = (path: string) => Promise<readonly string[] | undefined>;

export type MirrorSearch =
  | { readonly kind: 'found'; readonly files: readonly string[] }
  /** The folder is that of one digest, and of another than asked. */
  | { readonly kind: 'other-digest'; readonly digest: string }
  /** Paths that were looked for, in this order. */
  | { readonly kind: 'none'; readonly looked: readonly string[] };

/**
 * Signatures of one digest in the layout of Red Hat's mirror and of the cluster-version operator's stores:
 * `sha256=<hex>/signature-1`, `-2`, … until one is missing, without a path of a repository. `folder` is that store or
 * the subfolder of the digest itself; a folder that is neither holds `signature-1`, … of whatever digest. Copies of
 * the store whose `=` was escaped are understood, and `sha256%<hex>`, as Red Hat's documentation printed it.
 */
export async function findSignatures(
  list: ListFolder,
  folder: string,
  digest: string,
): Promise<MirrorSearch> {
  const own = digestOfFolder(posix.basename(folder));
  if (own !== undefined && own !== digest) return { kind: 'other-digest', digest: own };
  const subfolders = own === undefined ? folderNames(digest) : [];
  const places = [...subfolders.map((name) => posix.join(folder, name)), folder];
  for (const place of places) {
    const files = numbered(place, (await list(place)) ?? []);
    if (files.length > 0) return { kind: 'found', files };
  }
  return { kind: 'none', looked: places.map((place) => posix.join(place, 'signature-1')) };
}

/** The digest that a subfolder of such a store is named after. */
function digestOfFolder(name: string): string | undefined {
  const [, algorithm, hex] = /^(sha\d+)(?:=|%3D|%)([0-9a-f]+)$/i.exec(name) ?? [];
  const digest = `${algorithm}:${hex}`;
  return parseDigest(digest) === undefined ? undefined : digest;
}

function folderNames(digest: string): readonly string[] {
  return ['=', '%3D', '%3d', '%'].map((sign) => digest.replace(':', sign));
}

function numbered(folder: string, names: readonly string[]): readonly string[] {
  const known = new Set(names);
  const files: string[] = [];
  while (known.has(`signature-${files.length + 1}`)) {
    files.push(posix.join(folder, `signature-${files.length + 1}`));
  }
  return files;
}
