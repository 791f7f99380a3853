import fc from 'fast-check';
import t from 'tap';
import { parsePolicy } from '../../../../shared/trust/policy.ts';
import { diffPolicies, type TrustConfiguration } from '../../../../shared/trust/policy-diff.ts';
import { parseReference } from '../../../../shared/trust/reference.ts';
import { lookupRegistriesD, parseRegistriesD } from '../../../../shared/trust/registries-d.ts';
import { evaluateImage } from '../../../../shared/trust/verdict.ts';
import { MANIFEST } from '../../../support/sigstore.ts';
import {
  broken,
  REFERENCES,
  readKeyFile,
  requirement,
  SCOPES,
  signatures,
} from '../../../support/trust-world.ts';

// What diffPolicies promises, held against the judge of images itself.
// the machines of a pipeline may be slow
t.setTimeout(120_000);

const requirements = fc.array(requirement, { minLength: 1, maxLength: 2 });

/** Old entries, and what happens to each on the way to the new policy: most stay, so that little changes at a time. */
const entry = fc.record({
  scope: fc.constantFrom('default', ...SCOPES),
  old: requirements,
  fate: fc.constantFrom(
    'stays',
    'stays',
    'goes',
    'comes',
    'replaced',
    'with one more',
    'with one less',
  ),
  other: requirements,
});
/** An attachment is a layer with a media type and annotations: a simple signature never comes as one. */
const attachable: Buffer[] = signatures.filter((signature) => signature[0] === 0);
const section = fc.record(
  { lookaside: fc.constantFrom('https://a', 'https://b'), attachments: fc.boolean() },
  { requiredKeys: [] },
);
const places = fc.dictionary(fc.constantFrom('reg.io', 'reg.io/ns', '*.io', 'default'), section, {
  maxKeys: 2,
});
const scenario = fc.record({
  entries: fc.uniqueArray(entry, { selector: ({ scope }) => scope, minLength: 1, maxLength: 4 }),
  oldPlaces: places,
  newPlaces: fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: places },
  ),
  images: fc.array(
    fc.record({
      reference: fc.constantFrom(...REFERENCES),
      atA: fc.subarray([...signatures, broken], { maxLength: 15 }),
      atB: fc.subarray(signatures, { maxLength: 15 }),
      attached: fc.subarray(attachable, { maxLength: 15 }),
    }),
    { minLength: 4, maxLength: 4 },
  ),
});

type Scenario = typeof scenario extends fc.Arbitrary<infer S> ? S : never;
type Image = Scenario['images'][number];

function policyOf(entries: Scenario['entries'], isNew: boolean): TrustConfiguration['policy'] {
  const docker: Record<string, readonly object[]> = {};
  let fallback: readonly object[] = [{ type: 'reject' }];
  for (const { scope, old, fate, other } of entries) {
    const now = {
      goes: [],
      replaced: other,
      'with one more': [...old, ...other],
      'with one less': old.slice(0, 1),
    };
    const before = fate === 'comes' ? [] : old;
    const after = fate in now ? now[fate as keyof typeof now] : old; // `stays` and `comes` are in no table
    const list = isNew ? after : before;
    if (list.length === 0) continue;
    if (scope === 'default') fallback = list;
    else docker[scope] = list;
  }
  return parsePolicy(JSON.stringify({ default: fallback, transports: { docker } }));
}

function registriesOf(found: Scenario['oldPlaces']): TrustConfiguration['registriesD'] {
  const text = (it: (typeof found)[string] = {}): object => ({
    ...(it.lookaside === undefined ? {} : { lookaside: it.lookaside }),
    ...(it.attachments === undefined ? {} : { 'use-sigstore-attachments': it.attachments }),
  });
  const { default: fallback, ...docker } = found;
  const sections = Object.entries(docker).map(([scope, it]) => [scope, text(it)]);
  const content = { docker: Object.fromEntries(sections), 'default-docker': text(fallback) };
  return parseRegistriesD(new Map([['x.yaml', JSON.stringify(content)]]));
}

async function isAllowed(
  { policy, registriesD }: TrustConfiguration,
  image: Image,
): Promise<boolean> {
  const { reference } = image;
  const places = registriesD && lookupRegistriesD(registriesD, parseReference(reference));
  const stores: Readonly<Record<string, readonly Buffer[]>> = {
    'https://a': image.atA,
    'https://b': image.atB,
  };
  const verdict = await evaluateImage(
    {
      transport: 'docker',
      policyReference: reference,
      dockerReference: reference,
      manifest: MANIFEST,
      signatures: [
        ...(stores[places?.lookaside.base ?? ''] ?? []),
        ...(places?.useSigstoreAttachments === true ? image.attached : []),
      ],
    },
    policy,
    { readFile: readKeyFile, nowMs: Date.now() },
  );
  return verdict.allowed;
}

t.test('when nothing is said to be weakened, nothing that was refused is accepted', async (t) => {
  const seed = Date.now() & 0x7fffffff;
  t.comment(`seed ${seed}`);
  const seen = { sound: 0, silent: 0, refusedBefore: 0, acceptedAfter: 0, refusedAnew: 0 };
  await fc.assert(
    fc.asyncProperty(scenario, async ({ entries, oldPlaces, newPlaces, images }) => {
      const old = {
        policy: policyOf(entries, false),
        registriesD: registriesOf(oldPlaces) ?? none,
      };
      const now = {
        policy: policyOf(entries, true),
        registriesD: registriesOf(newPlaces ?? oldPlaces) ?? none,
      };
      const changes = diffPolicies(old, now);
      if (changes.some(({ effect }) => effect === 'weakened')) return;
      const isSilent = changes.every(({ effect }) => effect === 'neutral');
      seen[isSilent ? 'silent' : 'sound']++;
      for (const image of images) {
        const before = await isAllowed(old, image);
        const after = await isAllowed(now, image);
        if (!before) seen.refusedBefore++;
        if (after) seen.acceptedAfter++;
        if (before && !after) seen.refusedAnew++;
        if (after && !before) throw new Error(`${image.reference} was refused and is accepted`);
        if (isSilent && before !== after) throw new Error(`${image.reference} changed in silence`);
      }
    }),
    { seed, numRuns: 400 },
  );
  t.comment(JSON.stringify(seen));
  for (const [what, count] of Object.entries(seen)) t.ok(count > 5, `${what}: ${count}`);
});

const none = parseRegistriesD(new Map());
