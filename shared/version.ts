import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The package as package.json has it, which lies above the sources and above `dist`. */
const PACKAGE = findPackage(import.meta.dirname);

/** Version of the programs. */
export const VERSION: string = PACKAGE.version;

/** Folder of package.json; what is shipped beside the programs lies below it. */
export const PACKAGE_FOLDER: string = PACKAGE.folder;

function findPackage(start: string): { readonly folder: string; readonly version: string } {
  for (let folder = start; ; folder = dirname(folder)) {
    try {
      const found: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      if (isPackage(found)) return { folder, version: found.version };
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
