import fc from 'fast-check';
import t from 'tap';
import { parsePolicy } from '../../../../shared/trust/policy.ts';
import { lostRequirements } from '../../../../shared/trust/policy-diff/losses.ts';
import type { PolicyRequirement } from '../../../../shared/trust/policy-types.ts';
import { evaluateImage } from '../../../../shared/trust/verdict.ts';
import { MANIFEST } from '../../../support/sigstore.ts';
import { REFERENCES, readKeyFile, requirement, signatures } from '../../../support/trust-world.ts';

// the machines of a pipeline may be slow
t.setTimeout(120_000);

const COUNT = 30;

function parse(text: object): PolicyRequirement {
  const [first] = parsePolicy(JSON.stringify({ default: [text] })).default;
  if (first === undefined) throw new Error('expected a requirement');
  return first;
}

/** Which of all signatures, alone on an image, under which of all names, the requirement accepts. */
async function acceptedBy(one: PolicyRequirement): Promise<ReadonlySet<string>> {
  const policy = { default: [one], transports: new Map() };
  const accepted = new Set<string>();
  for (const reference of REFERENCES) {
    for (const [index, signature] of [...signatures.entries(), ['none', undefined] as const]) {
      const verdict = await evaluateImage(
        {
          transport: 'docker',
          policyReference: reference,
          dockerReference: reference,
          manifest: MANIFEST,
          signatures: signature === undefined ? [] : [signature],
        },
        policy,
        { readFile: readKeyFile, nowMs: Date.now() },
      );
      if (verdict.allowed) accepted.add(`${index} ${reference}`);
    }
  }
  return accepted;
}

t.test('a requirement that loses nothing accepts no signature that was refused', async (t) => {
  const seed = Date.now() & 0x7fffffff;
  t.comment(`seed ${seed}`);
  const drawn = fc.sample(requirement, { seed, numRuns: COUNT }).map(parse);
  const all = await Promise.all(
    drawn.map(async (one) => ({ one, accepted: await acceptedBy(one) })),
  );
  const seen = { implied: 0, lost: 0, needlessly: 0, accepting: 0 };
  for (const from of all) {
    if (from.accepted.size > 0) seen.accepting++;
    for (const to of all) {
      const isSubset = to.accepted.isSubsetOf(from.accepted);
      const isImplied = lostRequirements([from.one], [to.one]).length === 0;
      seen[isImplied ? 'implied' : 'lost']++;
      if (isSubset && !isImplied) seen.needlessly++;
      if (isImplied && !isSubset) {
        t.fail(
          `${JSON.stringify(to.one)} was taken for no weaker than ${JSON.stringify(from.one)}`,
        );
      }
    }
  }
  t.comment(JSON.stringify(seen));
  t.ok(seen.implied > COUNT && seen.lost > COUNT, 'both answers were given');
  t.ok(seen.accepting > COUNT / 3, `${seen.accepting} of ${COUNT} accept something`);
});
