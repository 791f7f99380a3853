import { globSync, rmSync } from 'node:fs';

/** What a production tree holds for those who write programs: types and source maps. Licences stay. */
const UNUSED = ['**/*.map', '**/*.d.ts', '**/*.d.mts', '**/*.d.cts'];

for (const cwd of process.argv.slice(2)) {
  for (const file of globSync(UNUSED, { cwd })) rmSync(`${cwd}/${file}`);
}
