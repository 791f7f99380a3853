import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { join } from 'node:path';
import { PACKAGE_FOLDER } from '../../shared/version.ts';
import { round } from '../figure.ts';
import type { Conditions } from './kept.ts';

/** Begins to note under what a step runs; the answer is asked when it is over. */
export function noteConditions(peers: readonly string[]): () => Conditions {
  const startMs = performance.now();
  const before = {
    date: `${new Date().toISOString().slice(0, 16)}:00Z`,
    commit: git('rev-parse', '--short=10', 'HEAD').trim(),
    // What the runs themselves write is no change.
    changed: git('status', '--porcelain', '--', '.', ':!docs/figures', ':!docs/figures.md')
      .split('\n')
      .filter(Boolean).length,
    node: process.version,
    kernel: release(),
    cores: cpus().length,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    peers: Object.fromEntries(peers.map((peer) => [peer, versionOf(peer)])),
  };
  const [atStart = 0] = loadavg();
  return () => {
    const [atEnd = 0] = loadavg();
    return {
      ...before,
      load: [round(atStart), round(atEnd)],
      seconds: Math.round((performance.now() - startMs) / 1000),
    };
  };
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { cwd: PACKAGE_FOLDER, encoding: 'utf8' });
}

/** Of a program by its own words, or of a package that is used as a library. */
function versionOf(peer: string): string {
  if (peer === 'openpgp') {
    const file = join(PACKAGE_FOLDER, 'node_modules', peer, 'package.json');
    return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version;
  }
  const { stdout, stderr, error } = spawnSync(peer, ['--version'], { encoding: 'utf8' });
  if (error !== undefined) return 'not installed';
  return /\d+(\.\d+)+/.exec(`${stdout}\n${stderr}`)?.[0] ?? 'unknown';
}
