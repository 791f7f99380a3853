import t from 'tap';
import { makeImageStore, whyNoStore } from '../support/image-store.ts';
import { simulatedPolicies } from '../support/simulated-policies.ts';
import { isComplete, predictedBesideSkopeo } from '../support/simulation-verdicts.ts';

/** `npm run stores -- --question policies` has all policies with all stores. */
const POLICY = 'scopes and identities';
const skip = whyNoStore();
t.setTimeout(300_000);

t.test('simulate predicts what skopeo does under a new policy', { skip }, async (t) => {
  const made = await makeImageStore(['--images', '6', '--driver', 'overlay', '--damaged']);
  const policy = simulatedPolicies(made.root)[POLICY];
  if (policy === undefined) throw new Error(`no policy ${POLICY}`);
  const { compared, differing, refused, result } = await predictedBesideSkopeo(made, policy);
  t.same(differing, [], `${compared} images, the same verdict on each`);
  t.ok(compared > 100);
  t.ok(refused > 0 && refused < compared, `${refused} refused`);
  t.ok(isComplete(result));
  const { newlyRefused, newlyAccepted, undecided } = result.summary.changes;
  t.ok(newlyRefused > 0 && newlyAccepted > 0, `${newlyRefused} and ${newlyAccepted}`);
  t.equal(undecided, 0);
});
