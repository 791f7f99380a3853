import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { openHost } from '../../../agent/host.ts';
import { rebuildArchive } from '../../../agent/images/layer-archive.ts';
import { sha256 } from '../../../shared/canonical.ts';
import { writeFiles } from '../../support/store-tree.ts';

const place = { tarSplit: '/split.gz', files: '/diff' };
const signal = new AbortController().signal;

/** A layer of these files, one after the other with nothing between them. */
function layerOf(dir: string, files: readonly Buffer[]): { readonly digest: string } {
  const lines = files.map((content, position) =>
    JSON.stringify({ type: 1, name: `f${position}`, size: content.length, payload: '', position }),
  );
  writeFiles(dir, {
    '/split.gz': gzipSync(lines.map((line) => `${line}\n`).join('')),
    ...Object.fromEntries(files.map((content, index) => [`/diff/f${index}`, content])),
  });
  return { digest: sha256(Buffer.concat(files)) };
}

const shapes: readonly (readonly [string, readonly Buffer[], number])[] = [
  ['3,000 small files', Array.from({ length: 3000 }, (_, index) => Buffer.from(`${index}`)), 90],
  ['one file of 64 MiB', [Buffer.alloc(64 * 1024 * 1024, 1)], 30],
];

for (const [name, files, leastTurns] of shapes) {
  t.test(`while ${name} are hashed, everything else has its turn`, async (t) => {
    const dir = t.testdir({});
    const { digest } = layerOf(dir, files);
    let [bytes, turns, isDone] = [0, 0, false];
    const others = (async () => {
      for (; !isDone; turns++) await setImmediate();
    })();
    await rebuildArchive(
      openHost(dir),
      place,
      digest,
      { bytes: 2 ** 30 },
      (piece) => {
        bytes += piece.length;
      },
      signal,
    );
    isDone = true;
    await others;
    t.equal(
      bytes,
      files.reduce((sum, { length }) => sum + length, 0),
    );
    t.ok(turns >= leastTurns, `${turns} turns`);
  });
}

t.test('rebuilding ends when it is told to', async (t) => {
  const dir = t.testdir({});
  const { digest } = layerOf(dir, [Buffer.alloc(64 * 1024 * 1024, 1)]);
  const stop = new AbortController();
  const take = () => stop.abort(new Error('enough'));
  const rebuilt = rebuildArchive(
    openHost(dir),
    place,
    digest,
    { bytes: 2 ** 30 },
    take,
    stop.signal,
  );
  await t.rejects(rebuilt, { message: 'enough' });
});

t.test('no more is rebuilt than the budget allows, over all layers', async (t) => {
  const dir = t.testdir({});
  const { digest } = layerOf(dir, [Buffer.alloc(1000, 1)]);
  const budget = { bytes: 1500 };
  const rebuild = () => rebuildArchive(openHost(dir), place, digest, budget, () => {}, signal);
  await rebuild();
  t.equal(budget.bytes, 500);
  await t.rejects(rebuild(), { code: 'ERR_LAYER_LIMIT' });
});

t.test('a name that is no UTF-8 is told, not guessed', async (t) => {
  const dir = t.testdir({});
  const { digest } = layerOf(dir, [Buffer.from('a')]);
  const line = '{"type":1,"name_raw":"/w==","size":1,"payload":"","position":0}\n';
  writeFileSync(join(dir, 'split.gz'), gzipSync(line));
  const rebuilt = rebuildArchive(openHost(dir), place, digest, { bytes: 10 }, () => {}, signal);
  await t.rejects(rebuilt, { code: 'ERR_LAYER_TAR_SPLIT', message: /name_raw/ });
});
