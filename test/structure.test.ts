import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative } from 'node:path';
import t from 'tap';

/** Who may import whom, one file per program for each library, no file too long, and the map of them all. */
const root = join(import.meta.dirname, '..');
const programs = ['agent', 'aggregator', 'cli', 'shared'] as const;
const rooms = [...programs, 'bench', 'packaging', 'test'] as const;

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

/** What a text imports, types too. */
function importsIn(text: string): string[] {
  const found = text.matchAll(
    /^(?:import|export)\s[^'"]*from\s+'([^']+)'|\bimport\(\s*'([^']+)'/gm,
  );
  return [...found].map((match) => match[1] ?? match[2] ?? '');
}

/** What a file loads; types are gone when it runs. */
function loads(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return importsIn(text.replaceAll(/^import type [^;]*;/gm, ''));
}

function isLibrary(specifier: string): boolean {
  return !specifier.startsWith('.') && !specifier.startsWith('node:');
}

function oursAmong(specifiers: readonly string[], file: string): string[] {
  return specifiers
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => join(dirname(file), specifier));
}

/** File to the files of ours that it imports, be it for a type. */
const graph: ReadonlyMap<string, readonly string[]> = new Map(
  rooms
    .flatMap(sources)
    .map((file) => [file, oursAmong(importsIn(readFileSync(join(root, file), 'utf8')), file)]),
);
const edges = [...graph].flatMap(([file, others]) => others.map((other) => [file, other] as const));
const roomOf = (file: string): string => file.split('/')[0] ?? file;

/** A schema stands beside the type it reads, so its library has no one home. */
const EVERYWHERE = new Set(['valibot']);

for (const program of programs) {
  t.test(`${program} imports each third-party library in one file`, async (t) => {
    const importers = new Map<string, string[]>();
    const files = sources(program);
    t.ok(files.length > 0, `${program} has sources`);
    for (const file of files) {
      for (const library of new Set(loads(file).filter(isLibrary))) {
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
    yaml: 'shared/yaml-nodes.ts',
    fastify: 'aggregator/',
  };
  for (const file of programs.flatMap(sources)) {
    for (const library of loads(file)) {
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

t.test('each room imports only what it may', async (t) => {
  const mayImport: Readonly<Record<string, readonly string[]>> = {
    shared: ['shared'],
    agent: ['agent', 'shared'],
    aggregator: ['aggregator', 'shared'],
    cli: ['cli', 'shared', 'agent'],
    bench: ['bench', 'shared', 'agent', 'aggregator', 'test'],
    // The manual and the completions are made from the commands.
    packaging: ['packaging', 'shared', 'agent', 'cli', 'test'],
  };
  const strangers = edges.filter(
    ([file, other]) => mayImport[roomOf(file)]?.includes(roomOf(other)) === false,
  );
  t.same(strangers, []);
});

t.test('the page asks the API: it loads nothing of store, sessions and server', async (t) => {
  const withheld = /^aggregator\/(?:store\/|session|server|daemon|simulations\/|fleet\.ts)/;
  const ofPage = sources('aggregator/web').flatMap((file) => oursAmong(loads(file), file));
  t.ok(ofPage.length > 0);
  t.same(
    ofPage.filter((other) => withheld.test(other)),
    [],
  );
  const script = readFileSync(join(root, 'aggregator/web/assets/page.js'), 'utf8');
  t.notMatch(script, /^import\b|await import\(/m, 'what runs in the browser loads nothing');
});

t.test('no file imports itself by way of others, types included', async (t) => {
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    const start = way.indexOf(file);
    if (start >= 0) t.fail([...way.slice(start), file].join(' -> '));
    if (start >= 0 || done.has(file)) return;
    for (const other of graph.get(file) ?? []) visit(other, [...way, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  t.ok(done.size >= graph.size);
});

t.test('a file of more than 300 lines says why it is one, and half are under 120', async (t) => {
  const lengths = [...graph.keys()].map((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    const lines = text.split('\n').length - 1;
    if (lines > 300) t.match(text, /^\/\/ One piece: \S.+\.\n/, `${file} has ${lines} lines`);
    return { file, lines };
  });
  for (const programs of [true, false]) {
    const some = lengths.filter(({ file }) => (roomOf(file) !== 'test') === programs);
    const median = some.map(({ lines }) => lines).sort((a, b) => a - b)[some.length >> 1] ?? 0;
    t.ok(median > 0 && median < 120, `median of ${some.length} files: ${median} lines`);
  }
});

t.test('every file that docs/architecture.md names is there', async (t) => {
  const text = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
  const named = [...text.matchAll(/\b(?:[\w.-]+\/)+[\w.-]+\.(?:ts|js|md)\b/g)].map(
    ([path]) => path,
  );
  t.ok(named.length > 30, `${named.length} files`);
  for (const path of named) t.ok(existsSync(join(root, path)), path);
});
