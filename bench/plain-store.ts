import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MadeStore, makeImageStore, whyNoStore } from '../test/support/image-store.ts';

const IMAGES = 'var/lib/containers/storage/overlay-images';

/** A node with well-signed images and nothing else in its store. */
export interface PlainStore {
  /** Root of the node; the caller removes it. */
  readonly root: string;
  readonly names: readonly string[];
  /** Every file of the images, and the list of them. */
  readonly files: readonly string[];
  /** What it was made of: the same images and more, in a store that skopeo can read. */
  readonly made: MadeStore;
}

/** So many images of make-image-store, each with one RSA-4096 signature, without the odd ones it adds. */
export async function makePlainStore(images: number): Promise<PlainStore> {
  const reason = whyNoStore();
  if (reason !== false) throw new Error(reason);
  const made = await makeImageStore(['--images', String(images), '--driver', 'overlay']);
  const plain = made.images.filter((image) => image.case.startsWith('app-'));
  const root = mkdtempSync(join(tmpdir(), 'nodeseal-bench-'));
  const [from, to] = [join(made.root, IMAGES), join(root, IMAGES)];
  // With the layers: a pass looks whether they are there.
  execFileSync('cp', ['-a', `${made.root}/.`, root]);
  rmSync(to, { recursive: true });
  mkdirSync(to);
  const ids = new Set(plain.map(({ id }) => id));
  const list: readonly { readonly id: string }[] = JSON.parse(
    readFileSync(join(from, 'images.json'), 'utf8'),
  );
  writeFileSync(join(to, 'images.json'), JSON.stringify(list.filter(({ id }) => ids.has(id))));
  cpSync(join(from, 'images.lock'), join(to, 'images.lock'));
  const files = [join(to, 'images.json')];
  for (const id of ids) {
    cpSync(join(from, id), join(to, id), { recursive: true });
    files.push(...readdirSync(join(to, id)).map((file) => join(to, id, file)));
  }
  return { root, names: plain.flatMap(({ name }) => name ?? []), files, made };
}
