import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReleaseSettings } from '../../agent/images/release-signature.ts';
import { sha256 } from '../../shared/canonical.ts';
import {
  type BuiltImage,
  pullInto,
  referencesOf,
  type TarFile,
  tarOf,
  writeLayout,
} from './release-images.ts';
import { ANYTHING, trustFiles } from './signed-images.ts';
import { type OpenPgpKey, openPgpKey, simplePayload, simpleSign } from './simple-signing.ts';
import { writeFiles } from './store-tree.ts';

export const VERSION = '4.16.3';
export const RELEASE_NAME: string = `quay.io/openshift-release-dev/ocp-release:${VERSION}-x86_64`;
/** A component that the release names. */
export const NAMED = 'quay.io/openshift-release-dev/ocp-v4.0-art-dev:named';
/** An image that it does not name. */
export const STRANGE = 'registry.example.com/team/app:v1';
export const KEY_FILE = '/etc/pki/rpm-gpg/release.asc';

/** A node with a release image, one of its components and another image, put there by skopeo. */
export interface ReleaseNode {
  readonly root: string;
  readonly key: OpenPgpKey;
  readonly release: Buffer;
  readonly component: Buffer;
  readonly references: string;
  readonly settings: ReleaseSettings;
}

const BASE: readonly TarFile[] = [
  { name: 'usr/', type: '5' },
  { name: 'usr/bin/', type: '5' },
  // More than is read at once.
  { name: 'usr/bin/cluster-version-operator', content: Buffer.alloc(700_000, 'cvo ') },
  { name: 'usr/bin/sh', type: '2', link: 'cluster-version-operator' },
  { name: 'etc/empty' },
];

/** The layers of a release image. */
export function releaseLayers(references: string | Uint8Array): readonly Buffer[] {
  return [tarOf(BASE), manifestsLayer([{ name: 'image-references', content: references }])];
}

/** A layer with a folder release-manifests that holds these entries beside others. */
export function manifestsLayer(entries: readonly TarFile[]): Buffer {
  return tarOf([
    { name: 'release-manifests/', type: '5' },
    { name: 'release-manifests/0000_00_namespace.yaml', content: 'kind: Namespace\n' },
    ...entries.map((entry) => ({ ...entry, name: `release-manifests/${entry.name}` })),
    { name: 'release-manifests/release-metadata', content: `{"version":"${VERSION}"}` },
  ]);
}

interface NodeOptions {
  readonly driver?: string;
  /** The release image, when not the usual one. */
  readonly image?: (references: string) => BuiltImage;
  /** Release and component are lists of images for several platforms, and pulled through them. */
  readonly areLists?: boolean;
}

export async function releaseNode(
  dir: string,
  { driver = 'overlay', image, areLists = false }: NodeOptions = {},
): Promise<ReleaseNode> {
  const root = join(dir, 'host');
  const [named, strange] = ['named', 'strange'].map((name) => {
    const layers = [tarOf([{ name: 'app', content: name }])];
    return writeLayout(join(dir, name), { layers }, areLists);
  });
  const component = named ?? Buffer.alloc(0);
  const references = referencesOf(VERSION, [sha256(component), sha256('elsewhere')]);
  const release = writeLayout(
    join(dir, 'release'),
    image?.(references) ?? {
      layers: releaseLayers(references),
      labels: { 'io.openshift.release': VERSION },
    },
    areLists,
  );
  if (strange !== undefined) pullInto(root, driver, join(dir, 'strange'), STRANGE);
  pullInto(root, driver, join(dir, 'named'), NAMED);
  pullInto(root, driver, join(dir, 'release'), RELEASE_NAME);
  const key = await openPgpKey('release');
  writeFiles(root, { ...trustFiles({ default: ANYTHING }), [KEY_FILE]: key.armored });
  const signatures = join(dir, 'signatures');
  await signRelease(signatures, release, key);
  return {
    ...{ root, key, release, component, references },
    settings: { keyFiles: [KEY_FILE], signatures },
  };
}

/** Adds a signature of a release to a store in the mirror's layout. */
export async function signRelease(
  folder: string,
  release: Uint8Array,
  key: OpenPgpKey,
  reference: string = RELEASE_NAME,
): Promise<void> {
  const place = join(folder, sha256(release).replace(':', '='));
  mkdirSync(place, { recursive: true });
  const signature = await simpleSign(key, simplePayload(release, reference));
  writeFileSync(join(place, 'signature-1'), signature);
}
