import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_FOLDER } from '../shared/version.ts';

/** Below the checkout: what package-lock.json has neither for development nor as an option. */
export function productionModules(): readonly string[] {
  const lock = JSON.parse(readFileSync(join(PACKAGE_FOLDER, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, Readonly<Record<string, unknown>>>>; // npm's own file
  };
  return Object.entries(lock.packages)
    .filter(([, { dev, optional, devOptional }]) => !(dev || optional || devOptional))
    .map(([path]) => path)
    .filter((path) => path !== '');
}
