import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, relative } from 'node:path';
import t from 'tap';

/** Who may import whom is the linter's; this is the rest of ARCHITECTURE: one file per program for each library. */
const root = join(import.meta.dirname, '..');
const programs = ['agent', 'aggregator', 'cli', 'shared'] as const;

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

/** What a file loads; types are gone when it runs. */
function imports(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8').replaceAll(/^import type [^;]*;/gm, '');
  const found = text.matchAll(
    /^(?:import|export)\s[^'"]*from\s+'([^']+)'|\bimport\(\s*'([^']+)'/gm,
  );
  return [...found].map((match) => match[1] ?? match[2] ?? '');
}

function isLibrary(specifier: string): boolean {
  return !specifier.startsWith('.') && !specifier.startsWith('node:');
}

/** A schema stands beside the type it reads, so its library has no one home. */
const EVERYWHERE = new Set(['valibot']);

for (const program of programs) {
  t.test(`${program} imports each third-party library in one file`, async (t) => {
    const importers = new Map<string, string[]>();
    const files = sources(program);
    t.ok(files.length > 0, `${program} has sources`);
    for (const file of files) {
      for (const library of new Set(imports(file).filter(isLibrary))) {
        t.notOk(builtinModules.includes(library), `${file} says node:${library}`);
        importers.set(library, [...(importers.get(library) ?? []), file]);
      }
    }
    for (const [library, files] of importers) {
      if (EVERYWHERE.has(library)) continue;
      t.equal(files.length, 1, `${library} is imported by ${files.join(', ')}`);
    }
  });
}

t.test('the libraries with one home stay there', async (t) => {
  const homes: Readonly<Record<string, string>> = {
    chokidar: 'agent/watch.ts',
    systeminformation: 'agent/hardware-worker.ts',
    pino: 'shared/log.ts',
    fastify: 'aggregator/',
  };
  for (const file of programs.flatMap(sources)) {
    for (const library of imports(file)) {
      const home = homes[library];
      if (home !== undefined) t.ok(file.startsWith(home), `${library} in ${file}`);
    }
  }
});

t.test('no file is a drawer for everything', async (t) => {
  for (const file of programs.flatMap(sources)) {
    t.notMatch(file, /(?:^|\/)(?:utils?|helpers?|common|misc)\b/, file);
  }
});
