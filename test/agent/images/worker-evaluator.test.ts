import t from 'tap';
import { type EvaluationBasis, inThisThread } from '../../../agent/images/evaluator.ts';
import { WorkerEvaluator } from '../../../agent/images/worker-evaluator.ts';
import { parsePolicy } from '../../../shared/trust/policy.ts';
import type { CandidateImage } from '../../../shared/trust/verdict-types.ts';
import {
  KEY,
  KEY_PATH,
  manifestOf,
  OTHER_KEY,
  POLICY,
  SIGNER,
  signed,
} from '../../support/signed-images.ts';

const NAME = 'registry.example.com/team/app:v1';
const MANIFEST = manifestOf('app');
const basis: EvaluationBasis = {
  policy: parsePolicy(JSON.stringify(POLICY)),
  keyFiles: new Map([[KEY_PATH, { path: KEY_PATH, bytes: Buffer.from(KEY.pem) }]]),
};

function candidate(reference: string, signatures: readonly Buffer[]): CandidateImage {
  return {
    transport: 'docker',
    policyReference: reference,
    dockerReference: reference,
    manifest: MANIFEST,
    signatures,
  };
}
const good = candidate(NAME, [signed(NAME, MANIFEST)]);
const bad = candidate(NAME, [signed(NAME, MANIFEST, OTHER_KEY)]);
const nameless = candidate('UPPER/case', []);

/** A thread's program that does this with each request. */
function program(onMessage: string): URL {
  const code = `import { parentPort } from 'node:worker_threads';
    parentPort.on('message', ({ images }) => { ${onMessage} });`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}
/** Falls over the image that is called bad, answers for the others. */
function fragile(how: string): URL {
  return program(`if (images.some((image) => image.policyReference === 'bad')) { ${how} }
    parentPort.postMessage(images.map(() => ({ verdict: 'fine' })));`);
}

t.test('a thread says what this thread says', async (t) => {
  await using evaluator = new WorkerEvaluator();
  const images = [good, bad, nameless];
  const nowMs = Date.now();
  const answers = await evaluator.evaluate(basis, images, nowMs);
  t.same(answers, await inThisThread.evaluate(basis, images, nowMs));
  t.match(answers, [
    { verdict: { allowed: true, signedBy: [SIGNER] } },
    { verdict: { allowed: false, reason: 'signature-invalid' } },
    { reason: 'evaluation-failed', message: /UPPER/ },
  ]);
});

t.test('requests made at once are each answered', async (t) => {
  await using evaluator = new WorkerEvaluator();
  const requests = [good, bad, good].map((image) => evaluator.evaluate(basis, [image], Date.now()));
  t.match(await Promise.all(requests), [
    [{ verdict: { allowed: true } }],
    [{ verdict: { allowed: false } }],
    [{ verdict: { allowed: true } }],
  ]);
});

t.test('another basis is judged by, not the one of before', async (t) => {
  await using evaluator = new WorkerEvaluator();
  const other = { ...basis, keyFiles: new Map() };
  t.match(await evaluator.evaluate(basis, [good], Date.now()), [{ verdict: { allowed: true } }]);
  t.match(await evaluator.evaluate(other, [good], Date.now()), [
    { verdict: { allowed: false, reason: 'key-unreadable' } },
  ]);
});

t.test('another policy over the same keys is judged by in the thread there is', async (t) => {
  await using evaluator = new WorkerEvaluator();
  const reject = { ...basis, policy: parsePolicy(Buffer.from('{"default":[{"type":"reject"}]}')) };
  for (const [one, allowed] of [
    [basis, true],
    [reject, false],
    [basis, true],
  ] as const) {
    t.match(await evaluator.evaluate(one, [good], Date.now()), [{ verdict: { allowed } }]);
  }
});

t.test('no thread is there before there is work, and none when it is idle', async (t) => {
  await using evaluator = new WorkerEvaluator({ idleMs: 1 });
  t.same(await evaluator.evaluate(basis, [], Date.now()), []);
  t.notOk(evaluator.isRunning);
  await evaluator.evaluate(basis, [good], Date.now());
  while (evaluator.isRunning) await new Promise((resolve) => setTimeout(resolve, 1));
  t.match(await evaluator.evaluate(basis, [good], Date.now()), [{ verdict: { allowed: true } }]);
});

const ends: readonly (readonly [name: string, how: string, reason: string])[] = [
  ['throws', 'throw new Error("boom")', 'evaluation-failed'],
  ['ends itself', 'process.exit(3)', 'evaluation-failed'],
  ['never answers', 'for (;;);', 'evaluation-timeout'],
  [
    'takes all memory',
    'const all = []; for (;;) all.push(new Array(1e5).fill(all.length));',
    'evaluation-failed',
  ],
];
for (const [name, how, reason] of ends) {
  t.test(`an image over which the thread ${name} costs only its own verdict`, async (t) => {
    const limitMs = reason === 'evaluation-timeout' ? 2000 : 10_000;
    await using evaluator = new WorkerEvaluator({ program: fragile(how), limitMs, heapMiB: 16 });
    const images = ['a', 'bad', 'b'].map((reference) => candidate(reference, []));
    const answers = await evaluator.evaluate(basis, images, Date.now());
    t.match(answers, [{ verdict: 'fine' }, { reason }, { verdict: 'fine' }]);
    t.match(await evaluator.evaluate(basis, [good], Date.now()), [{ verdict: 'fine' }]);
  });
}
