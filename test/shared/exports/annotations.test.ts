import { execFileSync } from 'node:child_process';
import t from 'tap';
import type { ImageItem } from '../../../shared/api.ts';
import { annotations } from '../../../shared/exports/annotations.ts';
import type { NodeGiven } from '../../support/exports.ts';
import { exported, exportSource, HOSTILE_FLEET, image } from '../../support/exports.ts';

const DIGEST = `sha256:${'1'.repeat(64)}`;
const KEY = 'quality.images.openshift.io/policy.nodeseal';

async function listOf(nodes: readonly NodeGiven[]): Promise<{
  readonly coverage: object;
  readonly items: readonly {
    readonly annotation: { readonly value: { readonly compliant: boolean | null } };
    readonly command: string;
    readonly patch: { readonly body: { readonly metadata: { readonly annotations: object } } };
  }[];
}> {
  return JSON.parse(await exported(annotations, exportSource(nodes)));
}

function node(name: string, ...verdicts: readonly ImageItem['verdict'][]): NodeGiven {
  const images = verdicts.map((verdict, at) => image(`quay.io/a:${at}`, verdict, DIGEST));
  return { name, findings: [], images };
}

t.test('an image complies only when a signature was verified wherever it is', async (t) => {
  const cases: readonly (readonly [string, readonly NodeGiven[], boolean | null])[] = [
    ['accepted', [node('a', 'accepted'), node('b', 'accepted')], true],
    ['rejected somewhere', [node('a', 'accepted'), node('b', 'rejected')], false],
    ['rejected under one name', [node('a', 'accepted', 'rejected')], false],
    ['unknown somewhere', [node('a', 'accepted'), node('b', 'unknown')], null],
    ['unenforced', [node('a', 'unenforced')], null],
    ['accepted here, unenforced there', [node('a', 'accepted'), node('b', 'unenforced')], null],
    ['accepted by a stale node', [{ ...node('a', 'accepted'), state: 'stale' }], null],
  ];
  for (const [name, nodes, compliant] of cases) {
    const { items } = await listOf(nodes);
    t.equal(items.length, 1, 'one Image object, whatever its names');
    t.equal(items[0]?.annotation.value.compliant, compliant, name);
  }
});

t.test('an annotation has the members that OpenShift documents', async (t) => {
  const { items, coverage } = await listOf([node('a', 'accepted'), { name: 'b', cause: 'gone' }]);
  t.match(coverage, { expected: 2, reporting: 1, missing: [{ node: 'b', cause: 'gone' }] });
  t.match(items[0], {
    image: DIGEST,
    references: ['quay.io/a:0'],
    annotation: {
      key: KEY,
      value: {
        name: 'nodeseal',
        description: /1 node that holds it; 1 of 2 nodes reporting/,
        timestamp: '2026-11-21T12:00:00.000Z',
        reference: 'https://aggregator.example.com:8443/v1/images?reference=quay.io%2Fa%3A0',
        scannerVersion: '1.2.3',
        summary: [
          { label: 'rejected', data: '0', severityIndex: 3 },
          { label: 'unknown', data: '0', severityIndex: 2 },
          { label: 'unenforced', data: '0', severityIndex: 1 },
          { label: 'accepted', data: '1', severityIndex: 0 },
        ],
      },
    },
    patch: {
      path: `/apis/image.openshift.io/v1/images/${DIGEST}`,
      contentType: 'application/merge-patch+json',
    },
  });
});

t.test('the command is words of a shell that say what the patch says', async (t) => {
  const names = HOSTILE_FLEET.flatMap(({ images = [] }) => images);
  const { items } = await listOf([{ name: "it's $(id)", findings: [], images: names }]);
  const [item] = items;
  const words = execFileSync('sh', ['-c', `oc() { printf '%s\\0' "$@"; }; ${item?.command}`])
    .toString()
    .split('\0');
  t.strictSame(words.slice(0, 4), ['annotate', '--overwrite', 'image', `sha256:${'a'.repeat(64)}`]);
  const [key, ...value] = (words[4] ?? '').split('=');
  t.strictSame({ [key ?? '']: value.join('=') }, item?.patch.body.metadata.annotations);
  t.strictSame(JSON.parse(value.join('=')), item?.annotation.value);
});

t.test('an image without a digest is listed, without a command', async (t) => {
  const images = [image('quay.io/a', 'unknown', "sha256:'$(reboot)'")];
  const { items } = await listOf([{ name: 'n', findings: [], images }]);
  t.match(items, [{ references: ['quay.io/a'], reason: 'no-digest', nodes: { unknown: 1 } }]);
  t.notOk('command' in (items[0] ?? {}));
});
