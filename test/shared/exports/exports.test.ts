import t from 'tap';
import { EXPORT_FORMATS } from '../../../shared/exports/index.ts';
import type { ExportFormat, ExportSource } from '../../../shared/exports/source.ts';
import {
  DATA_AS_OF,
  exported,
  exportSource,
  FLEET,
  GENERATED_AT,
  HOSTILE_FLEET,
  image,
  type NodeGiven,
  ruleResult,
} from '../../support/exports.ts';

const LATER = '2026-11-21T13:00:00.000Z';
const WITH_IMAGES: readonly NodeGiven[] = FLEET.map((node) => {
  const digest = `sha256:${'1'.repeat(64)}`;
  return { ...node, images: [image('quay.io/b:1', 'accepted', digest)] };
});

for (const format of EXPORT_FORMATS) {
  t.test(`${format.id}: two exports of one state differ in nothing but the time`, async (t) => {
    const [now, later] = await Promise.all(
      [GENERATED_AT, LATER].map((at) =>
        exported(format, exportSource(WITH_IMAGES, { generatedAt: at })),
      ),
    );
    t.ok(now?.includes(GENERATED_AT), 'it says when it was made');
    t.equal(later?.replaceAll(LATER, GENERATED_AT), now);
  });

  t.test(`${format.id}: says for how many nodes it speaks, and how old its data is`, async (t) => {
    const text = await exported(format, exportSource(WITH_IMAGES));
    t.match(text, /never seen/, 'the cause of a node that does not report');
    t.match(text, /"reporting":1|1 of 3 nodes|coverage-reporting/);
    if (format.about === 'findings') t.ok(text.includes(DATA_AS_OF));
    const then = await exported(
      format,
      exportSource(WITH_IMAGES, { asOf: '2026-11-01T00:00:00Z' }),
    );
    t.match(then, '2026-11-01T00:00:00Z', 'and of which time');
  });

  t.test(`${format.id}: nothing in it does anything on a terminal`, async (t) => {
    const text = await exported(format, exportSource(HOSTILE_FLEET));
    t.notMatch(
      text.replaceAll('\n', ''),
      /\p{Cc}|\p{Cs}|[\u200b-\u200f\u2028-\u202e\u2060-\u206f]/u,
    );
  });

  t.test(`${format.id}: no piece grows with the fleet`, async (t) => {
    const few = await largestPiece(format, 20);
    const many = await largestPiece(format, 200);
    t.ok(many < few * 1.1, `${few} characters of 20 nodes, ${many} of 200`);
  });
}

async function largestPiece(format: ExportFormat, nodes: number): Promise<number> {
  let largest = 0;
  for await (const piece of format.write(largeFleet(nodes))) {
    largest = Math.max(largest, piece.length);
  }
  return largest;
}

/** A source that makes a node when it is asked for it: what is held at once is the format's doing. */
function largeFleet(nodes: number): ExportSource {
  const findings = Array.from({ length: 120 }, (_, at) => {
    const result = at % 20 === 0 ? 'fail' : at % 15 === 0 ? 'error' : 'pass';
    return ruleResult(`check-${at % 10}.rule-${at}`, { result });
  });
  const images = Array.from({ length: 80 }, (_, at) =>
    image(`quay.io/team/app:${at}`, 'accepted', `sha256:${String(at).padStart(64, '0')}`),
  );
  const one = exportSource([{ name: 'node', findings, images }]);
  return {
    ...one,
    async *findings() {
      const [node] = await Array.fromAsync(one.findings());
      for (let at = 0; node !== undefined && at < nodes; at++)
        yield { ...node, name: `node-${at}` };
    },
    async *images() {
      const [node] = await Array.fromAsync(one.images());
      for (let at = 0; node !== undefined && at < nodes; at++)
        yield { ...node, name: `node-${at}` };
    },
  };
}
