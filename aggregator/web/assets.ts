import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PACKAGE_FOLDER } from '../../shared/version.ts';

export type AssetName = 'page.css' | 'page.js' | 'icon.svg' | 'uplot.css' | 'uplot.js';

const OWN = join(PACKAGE_FOLDER, 'aggregator/web/assets');

/** What pages load, by the name pages use: files, one after another. */
const FILES: Readonly<Record<AssetName, readonly string[]>> = {
  'page.css': [join(OWN, 'frame.css'), join(OWN, 'parts.css')],
  'page.js': [join(OWN, 'page.js')],
  'icon.svg': [join(OWN, 'icon.svg')],
  'uplot.css': [fileURLToPath(import.meta.resolve('uplot/dist/uPlot.min.css'))],
  'uplot.js': [fileURLToPath(import.meta.resolve('uplot/dist/uPlot.iife.min.js'))],
};

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

export interface Asset {
  readonly type: string;
  readonly bytes: Buffer;
}

/** What pages load: each file under a name that holds its content's hash, so that it may be kept for ever. */
export class Assets {
  readonly #paths: ReadonlyMap<string, string>;
  readonly #byPath: ReadonlyMap<string, Asset>;

  private constructor(paths: ReadonlyMap<string, string>, byPath: ReadonlyMap<string, Asset>) {
    this.#paths = paths;
    this.#byPath = byPath;
  }

  static async read(): Promise<Assets> {
    const paths = new Map<string, string>();
    const byPath = new Map<string, Asset>();
    for (const [name, files] of Object.entries(FILES)) {
      const bytes = Buffer.concat(await Promise.all(files.map((file) => readFile(file))));
      const [stem = name, suffix = ''] = name.split('.');
      const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
      const path = `/assets/${stem}-${hash}.${suffix}`;
      paths.set(name, path);
      byPath.set(path, { type: TYPES[suffix] ?? 'application/octet-stream', bytes });
    }
    return new Assets(paths, byPath);
  }

  /** Where a page loads the file from. */
  pathOf(name: AssetName): string {
    // Every name of FILES was read.
    return this.#paths.get(name) ?? '';
  }

  at(path: string): Asset | undefined {
    return this.#byPath.get(path);
  }
}
