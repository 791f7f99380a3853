import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { whyNoStore } from '../support/image-store.ts';
import { StoringNode } from '../support/storing-node.ts';

t.setTimeout(300_000);

/** The figure that is promised is measured by bench/pull-to-report.ts; here a slow machine is no failure. */
t.test(
  'images that skopeo copies into a running node appear at the aggregator',
  { skip: whyNoStore() },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'nodeseal-pull-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    await using node = await StoringNode.start(folder);
    for (const [name, verdict] of [
      ['registry.example.test/any/pulled:v1', 'unenforced'],
      ['registry.example.test/variety/pulled:v1', 'rejected'],
      ['registry.example.test/any/pulled:v2', 'unenforced'],
    ] as const) {
      const { item, visibleMs, bareMs } = await node.copy(name);
      t.match(item, { node: 'node-1', reference: name, verdict });
      t.comment(
        `visible ${Math.round(visibleMs)} ms after its record was written, a bare watch ${Math.round(bareMs)} ms`,
      );
    }
  },
);
