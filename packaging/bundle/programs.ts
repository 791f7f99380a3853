import { readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { PACKAGE_FOLDER } from '../../shared/version.ts';

// The end of `npm run build`: what each daemon runs, put together into few files over what tsc wrote. 420 modules cost
// the agent 5 MiB at rest and half of its start (bench/idle.ts), 830 cost the aggregator 21 MiB (bench/sockets.ts). The
// command line still runs the single files beside them.
const CHUNK = /^chunk-\w+\.js(?:\.map)?$/;

/**
 * An import of one of these has Node.js evaluate every name it exports, with what is loaded behind them when first used:
 * fetch, WebSocket and HTTP/2 by `node:http`, all root certificates by `node:tls`. As members they stay unused.
 */
const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:(?:http|https|tls)$/ }, ({ path }) => ({
      path,
      namespace: 'builtin',
    }));
    onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('${path}');`,
    }));
  },
};

// Threads are looked for beside the file that starts them, and here that is in the folder of the program.
await bundle(
  'agent',
  {
    main: 'agent/main.ts',
    'hardware-worker': 'agent/hardware-worker.ts',
    worker: 'agent/images/worker.ts',
  },
  ['openpgp', 'systeminformation', 'undici'],
);
await bundle(
  'aggregator',
  { main: 'aggregator/main.ts', 'sqlite-worker': 'aggregator/store/sqlite-worker.ts' },
  ['openpgp', 'pg'],
);

/** `external` are packages that are loaded only when there is something for them to do. */
async function bundle(
  program: string,
  entryPoints: Readonly<Record<string, string>>,
  external: readonly string[],
): Promise<void> {
  const folder = join(PACKAGE_FOLDER, 'dist', program);
  const { metafile } = await build({
    absWorkingDir: PACKAGE_FOLDER,
    entryPoints,
    outdir: folder,
    chunkNames: 'chunk-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'esnext',
    external: [...external],
    plugins: [lazyBuiltins],
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
  for (const name of readdirSync(folder)) {
    if (CHUNK.test(name) && !written.has(name)) rmSync(join(folder, name));
  }
}
