import t from 'tap';
import type { EvaluationBasis, Evaluator } from '../../../agent/images/evaluator.ts';
import { OrdinaryHere } from '../../../agent/images/ordinary-here.ts';
import { parsePolicy } from '../../../shared/trust/policy.ts';
import type { CandidateImage } from '../../../shared/trust/verdict-types.ts';
import { KEY, KEY_PATH, manifestOf, POLICY, signed } from '../../support/signed-images.ts';

const NAME = 'registry.example.com/team/app:v1';
const MANIFEST = manifestOf('app');
const SIGNATURE = signed(NAME, MANIFEST);

function basisOf(key: Buffer): EvaluationBasis {
  const keyFiles = new Map([[KEY_PATH, { path: KEY_PATH, bytes: key }]]);
  return { policy: parsePolicy(JSON.stringify(POLICY)), keyFiles };
}
const basis = basisOf(Buffer.from(KEY.pem));

function image(...signatures: readonly Buffer[]): CandidateImage {
  const reference = { policyReference: NAME, dockerReference: NAME };
  return { transport: 'docker', ...reference, manifest: MANIFEST, signatures };
}

/** Notes how many images it was asked for, and says its name of each. */
function noting(name: string): Evaluator & { readonly asked: number[] } {
  const asked: number[] = [];
  return {
    asked,
    evaluate: async (_, images) => {
      asked.push(images.length);
      return images.map((_, index) => ({
        reason: 'evaluation-failed',
        message: `${name} ${index}`,
      }));
    },
  };
}

const cases: readonly (readonly [
  name: string,
  image: CandidateImage,
  isHere: boolean,
  basis?: EvaluationBasis,
])[] = [
  ['one sigstore signature', image(SIGNATURE), true],
  ['four of them', image(SIGNATURE, SIGNATURE, SIGNATURE, SIGNATURE), true],
  ['five of them', image(SIGNATURE, SIGNATURE, SIGNATURE, SIGNATURE, SIGNATURE), false],
  ['a sigstore signature of 16 KiB', image(Buffer.alloc(16 * 1024)), true],
  ['a larger one', image(Buffer.alloc(16 * 1024 + 1)), false],
  ['a signature of 2 KiB', image(Buffer.alloc(2048, 0xa3)), true],
  ['a larger signature', image(SIGNATURE, Buffer.alloc(2049, 0xa3)), false],
  ['no signature', image(), true],
  ['keys of 100 KiB', image(SIGNATURE), false, basisOf(Buffer.alloc(100 * 1024))],
];
for (const [name, one, isHere, of = basis] of cases) {
  t.test(`an image with ${name} is judged ${isHere ? 'here' : 'elsewhere'}`, async (t) => {
    const [here, other] = [noting('here'), noting('other')];
    const [answer] = await new OrdinaryHere(other, { here }).evaluate(of, [one], 0);
    t.match(answer, { message: isHere ? 'here 0' : 'other 0' });
    t.same([here.asked, other.asked], isHere ? [[1], []] : [[], [1]]);
  });
}

t.test('every image gets its own answer, in order', async (t) => {
  const odd = image(Buffer.alloc(4096, 0xa3));
  const [here, other] = [noting('here'), noting('other')];
  const evaluator = new OrdinaryHere(other, { here });
  t.match(await evaluator.evaluate(basis, [odd, image(SIGNATURE), odd, image()], 0), [
    { message: 'other 0' },
    { message: 'here 0' },
    { message: 'other 1' },
    { message: 'here 0' },
  ]);
  t.same(other.asked, [2], 'the other is asked once');
  t.match(await new OrdinaryHere(noting('x')).evaluate(basis, [image(SIGNATURE)], Date.now()), [
    { verdict: { allowed: true } },
  ]);
});

t.test('after an image that took long all are judged elsewhere', async (t) => {
  const [here, other] = [noting('here'), noting('other')];
  let takenUs = 0;
  const evaluator = new OrdinaryHere(other, {
    here,
    takenUs: () => {
      takenUs += 200_000;
      return takenUs;
    },
  });
  await evaluator.evaluate(basis, [image(SIGNATURE), image(SIGNATURE)], 0);
  t.same([here.asked, other.asked], [[1, 1], []], '200 ms are not long');
  takenUs = 0;
  const slow = new OrdinaryHere(other, {
    here,
    takenUs: () => {
      takenUs = takenUs * 2 + 200_000;
      return takenUs;
    },
  });
  await slow.evaluate(basis, [image(SIGNATURE), image(SIGNATURE), image()], 0);
  t.same(other.asked, [2], 'those behind it');
  await slow.evaluate(basis, [image(SIGNATURE)], 0);
  t.same(other.asked, [2, 1], 'and all that follow');
});
