import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

const root = join(import.meta.dirname, '../..');
/** The one that `bin/setup --test` brings where that on the PATH is too old. */
const BROUGHT = join(root, 'node_modules/.cache/kubectl/kubectl');
const KUBECTL = existsSync(BROUGHT) ? BROUGHT : 'kubectl';

export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** Why no manifests can be rendered here, for the name of a skipped test; false when they can. */
export function whyNoKustomize(): string | false {
  const { status, stdout } = spawnSync(KUBECTL, ['version', '--client'], { encoding: 'utf8' });
  // Components are of kustomize 3.7; kubectl carries 2.0 up to its version 1.20, which names none.
  return status === 0 && /Kustomize Version/.test(stdout) ? false : 'needs kubectl 1.24 or newer';
}

/** What `kubectl kustomize` makes of a folder of this repository, or of one with an absolute path. Throws what it says. */
export function renderText(folder: string): string {
  const path = folder.startsWith('/') ? folder : join(root, folder);
  const kubectl = spawnSync(KUBECTL, ['kustomize', path], { encoding: 'utf8' });
  if (kubectl.status !== 0) throw new Error(kubectl.stderr);
  return kubectl.stdout;
}

export function render<T extends Resource = Resource>(folder: string): readonly T[] {
  return parseAllDocuments(renderText(folder)).map((document) => document.toJS() as T);
}
