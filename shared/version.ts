import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Version of the programs: the one in package.json, which lies above the sources and above `dist`. */
export const VERSION: string = readVersion(import.meta.dirname);

function readVersion(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    try {
      const found: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      if (isPackage(found)) return found.version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    if (folder === dirname(folder)) throw new Error(`no package.json of nodeseal above ${start}`);
  }
}

function isPackage(value: unknown): value is { readonly version: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    value.name === 'nodeseal' &&
    'version' in value &&
    typeof value.version === 'string'
  );
}
