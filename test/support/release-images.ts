import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { sha256 } from '../../shared/canonical.ts';

/** One entry of a tar archive; a file unless `type` says otherwise. */
export interface TarFile {
  readonly name: string;
  readonly content?: string | Uint8Array;
  /** `2` link, `5` folder, … */
  readonly type?: string;
  readonly link?: string;
}

/** An archive of ustar headers with these entries. */
export function tarOf(files: readonly TarFile[]): Buffer {
  const blocks = files.flatMap(({ name, content = '', type = '0', link = '' }) => {
    const bytes = Buffer.from(content as string | Buffer); // both overloads take what `content` may be
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(type === '5' ? '0000755\0' : '0000644\0', 100);
    header.write('0000000\0', 108);
    header.write('0000000\0', 116);
    header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('00000000000\0', 136);
    header.write('        ', 148);
    header.write(type, 156);
    header.write(link, 157);
    header.write('ustar\x0000', 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** A list is pulled for the machine that pulls. */
const ARCHITECTURE = process.arch === 'x64' ? 'amd64' : process.arch;

/** An image as it is built: its layers' archives from the lowest up, and its labels. */
export interface BuiltImage {
  readonly layers: readonly Buffer[];
  readonly labels?: Readonly<Record<string, string>>;
}

/**
 * Writes an OCI layout with one image to `folder`; gives the image's manifest, or that of the list which alone leads to it.
 */
export function writeLayout(
  folder: string,
  { layers, labels = {} }: BuiltImage,
  isList = false,
): Buffer {
  mkdirSync(join(folder, 'blobs', 'sha256'), { recursive: true });
  const blob = (bytes: Uint8Array, mediaType: string): object => {
    const digest = sha256(bytes);
    writeFileSync(join(folder, 'blobs', digest.replace(':', '/')), bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const config = Buffer.from(
    JSON.stringify({
      architecture: ARCHITECTURE,
      os: 'linux',
      config: { Labels: labels },
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => sha256(layer)) },
    }),
  );
  const type = 'application/vnd.oci.image';
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: `${type}.manifest.v1+json`,
      config: blob(config, `${type}.config.v1+json`),
      layers: layers.map((layer) => blob(gzipSync(layer), `${type}.layer.v1.tar+gzip`)),
    }),
  );
  const mediaType = `${type}.index.v1+json`;
  const platform = { os: 'linux', architecture: ARCHITECTURE };
  const instance = { ...blob(manifest, `${type}.manifest.v1+json`), platform };
  const list = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests: [instance] }));
  const index = { schemaVersion: 2, manifests: [isList ? blob(list, mediaType) : instance] };
  writeFileSync(join(folder, 'index.json'), JSON.stringify(index));
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  return isList ? list : manifest;
}

/** Why no image can be put into a store here, for `skip`; false when it can. */
export function whyNoSkopeo(): string | false {
  if (spawnSync('skopeo', ['--version']).error !== undefined) return 'needs skopeo';
  return process.getuid?.() === 0 ? false : 'needs root, as containers-storage with overlay does';
}

/** Has the real skopeo pull the image of a layout into the store of a host root, under a name. */
export function pullInto(root: string, driver: string, layout: string, name: string): void {
  const options = driver === 'overlay' ? ':overlay.skip_mount_home=true' : '';
  const store = `[${driver}@${root}/var/lib/containers/storage+${root}/run/containers${options}]`;
  const words = ['--insecure-policy', 'copy', '--quiet', `oci:${layout}`];
  execFileSync('skopeo', [...words, `containers-storage:${store}${name}`], { stdio: 'pipe' });
}

/** The document of a release that names these images. */
export function referencesOf(version: string, digests: readonly string[]): string {
  const tags = digests.map((digest, index) => ({
    name: `component-${index}`,
    from: { kind: 'DockerImage', name: `quay.io/openshift-release-dev/ocp-v4.0-art-dev@${digest}` },
  }));
  return JSON.stringify({
    kind: 'ImageStream',
    apiVersion: 'image.openshift.io/v1',
    metadata: { name: version, annotations: { 'release.openshift.io/from-release': 'x' } },
    spec: { lookupPolicy: { local: false }, tags },
  });
}
