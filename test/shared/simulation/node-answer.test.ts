import t from 'tap';
import { LIMITS } from '../../../shared/protocol.ts';
import { answerParts, readAnswer } from '../../../shared/simulation/node-answer.ts';
import type { ImageOutcome, NodeSimulation } from '../../../shared/simulation.ts';

const outcome: ImageOutcome = {
  imageId: 'ab',
  reference: 'quay.io/app:v1',
  digest: 'sha256:cd',
  pods: [{ namespace: 'team', pod: 'web-0', container: 'app' }],
  now: 'accepted',
  after: 'rejected',
  reason: 'no-signature',
  scope: 'default',
};
const answer = (images: readonly ImageOutcome[]): NodeSimulation => ({
  policy: '/etc/containers/policy.json',
  images,
  gaps: ['a gap'],
  notes: [],
});
const travelled = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

for (const images of [0, 1, 80, 5000]) {
  t.test(`an answer of ${images} images is the same when it has travelled in parts`, async (t) => {
    const said = answer(
      Array.from({ length: images }, (_, n) => ({ ...outcome, imageId: `${n}` })),
    );
    const parts = answerParts(said);
    t.same(readAnswer(parts.map(travelled)), said);
    const sizes = parts.map((part) => JSON.stringify(part).length);
    t.ok(Math.max(...sizes) < LIMITS.frameBytes / 2, `${parts.length} parts, each fits`);
    t.ok(images < 5000 || parts.length > 1);
  });
}

t.test('one image with more pods than a part holds is a part of its own', async (t) => {
  const pods = Array.from({ length: 9000 }, (_, n) => ({ pod: `pod-${n}`, container: 'app' }));
  const parts = answerParts(answer([outcome, { ...outcome, pods }, outcome]));
  t.equal(parts.length, 3);
});

const [good] = answerParts(answer([outcome]));
const changed = (change: object): readonly unknown[] => [{ ...(good as object), ...change }];
const BAD: readonly (readonly [name: string, parts: readonly unknown[], message: RegExp])[] = [
  ['nothing', [], /^part 1: : /],
  ['no object', ['x'], /^part 1/],
  ['no policy', changed({ policy: undefined }), /^part 1: policy/],
  ['images that are no list', changed({ images: {} }), /^part 1: images/],
  [
    'a verdict nobody knows',
    changed({ images: [{ ...outcome, after: 'ok' }] }),
    /images\.0\.after/,
  ],
  [
    'pods without a container',
    changed({ images: [{ ...outcome, pods: [{}] }] }),
    /images\.0\.pods/,
  ],
  ['more words than are read', changed({ notes: Array(65).fill('x') }), /notes/],
  ['a second part that is none', [good, 'x'], /^part 2/],
  [
    'more images than a node has',
    [good, ...Array(14).fill({ images: Array(5000).fill(outcome) })],
    /70001 images, at most 65536/,
  ],
];
for (const [name, parts, message] of BAD) {
  t.test(`refused: ${name}`, async (t) => {
    t.throws(() => readAnswer(parts), { code: 'ERR_NODE_ANSWER', message });
  });
}
