import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { openHost } from '../../agent/host.ts';
import { ImageVerifier } from '../../agent/images/verifier.ts';
import { systemClock } from '../../shared/clock.ts';
import type { ImageVerdict } from '../../shared/images.ts';
import { makeImageStore, whyNoStore } from '../support/image-store.ts';
import { Podman, whyNoPodman } from '../support/podman.ts';

const WRITES = 300;
const SIGNED = 'registry.example.test/release/app-0001:v1';
const REPOSITORY = 'registry.example.test/any/tagged';

t.setTimeout(300_000);

/** Asks podman's API; the status of its answer. */
async function post(socketPath: string, path: string): Promise<number> {
  const sent = request({ socketPath, path: `/v4.0.0/libpod/images/${path}`, method: 'POST' });
  sent.end();
  const [response] = await once(sent, 'response');
  response.resume();
  await once(response, 'end');
  return response.statusCode;
}

t.test(
  'beside a podman that renames an image as fast as it can no verdict is another',
  { skip: whyNoStore() || whyNoPodman() },
  async (t) => {
    const made = await makeImageStore(['--images', '6', '--driver', 'vfs']);
    const folder = mkdtempSync(join(tmpdir(), 'nodeseal-tag-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const root = join(folder, 'host');
    execFileSync('cp', ['-a', made.root, root]);
    // As an agent does: what it knows of one pass it uses in the next.
    const verifier = new ImageVerifier(openHost(root), { sources: ['store'] });
    const verify = () => verifier.verify(systemClock, AbortSignal.timeout(60_000));
    const before = new Map((await verify()).verdicts.map((one) => [keyOf(one), one.verdict]));
    const podman = new Podman(folder, root, 'vfs');
    const socket = join(folder, 'podman.sock');
    const service = await podman.serve(socket);
    t.teardown(() => service.kill());

    const name = encodeURIComponent(SIGNED);
    const statuses = new Set<number>();
    let isWriting = true;
    const startMs = performance.now();
    const writer = (async () => {
      for (let write = 0; write < WRITES; write += 2) {
        const tag = `repo=${encodeURIComponent(REPOSITORY)}&tag=v${write}`;
        statuses.add(await post(socket, `${name}/tag?${tag}`));
        if (write < WRITES - 8) statuses.add(await post(socket, `${name}/untag?${tag}`));
      }
    })().finally(() => {
      isWriting = false;
    });
    const differing: string[] = [];
    let passes = 0;
    let undecided = 0;
    while (isWriting) {
      const { verdicts, faults } = await verify();
      passes++;
      differing.push(...faults.map(({ message }) => message));
      for (const one of verdicts) {
        const expected = before.get(keyOf(one)) ?? 'unenforced';
        if (one.verdict === 'unknown' && one.reason === 'store-changing') undecided++;
        else if (one.verdict !== expected) {
          differing.push(`${one.reference}: ${expected}, then ${one.verdict} ${one.message}`);
        }
      }
      const missing = [...before.keys()].filter(
        (key) => !verdicts.some((one) => keyOf(one) === key),
      );
      differing.push(...missing.map((key) => `${key} is missing`));
    }
    await writer;
    t.same([...statuses], [201], 'podman did as it was told');
    const perSecond = Math.round(WRITES / ((performance.now() - startMs) / 1000));
    t.comment(`${perSecond} writes a second, ${passes} passes, ${undecided} verdicts left open`);
    t.ok(passes > 2, `${passes} passes`);
    t.same([...new Set(differing)], [], 'none differs, none is missing');
    const after = (await verify()).verdicts.filter(({ reference }) =>
      reference.startsWith(`${REPOSITORY}:`),
    );
    t.equal(after.length, 4, 'and the names that stayed are found');
  },
);

function keyOf({ imageId, reference }: ImageVerdict): string {
  return `${imageId} ${reference}`;
}
