import { readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { PACKAGE_FOLDER } from '../../shared/version.ts';

// The end of `npm run build`: what the agent runs, put together into few files over what tsc wrote. 420 modules cost it
// 5 MiB at rest and half of its start (bench/idle.ts). The command line still runs the single files beside them.
const FOLDER = join(PACKAGE_FOLDER, 'dist/agent');
const CHUNK = /^chunk-\w+\.js(?:\.map)?$/;

const { metafile } = await build({
  absWorkingDir: PACKAGE_FOLDER,
  entryPoints: {
    main: 'agent/main.ts',
    'hardware-worker': 'agent/hardware-worker.ts',
    // Threads are looked for beside the file that starts them, and here that is in this folder.
    worker: 'agent/images/worker.ts',
  },
  outdir: FOLDER,
  chunkNames: 'chunk-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'esnext',
  // Loaded only when there is something for them to do.
  external: ['openpgp', 'systeminformation', 'undici'],
  // Names stay, and lines stay short, for the sake of stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 120,
  legalComments: 'inline',
  sourcemap: true,
  sourcesContent: false,
  metafile: true,
  logLevel: 'warning',
  // For the libraries among them that are CommonJS.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
});

const written = new Set(Object.keys(metafile.outputs).map((path) => basename(path)));
for (const name of readdirSync(FOLDER)) {
  if (CHUNK.test(name) && !written.has(name)) rmSync(join(FOLDER, name));
}
