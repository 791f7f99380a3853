import { canonicalJson, type Json, sha256 } from './canonical.ts';
import type { ReportedPolicy, ReportedProblem, ReportedTrust } from './reported-trust.ts';
import type { Policy, PolicyRequirement } from './trust/policy-types.ts';
import type { RegistriesDSection } from './trust/registries-d-file.ts';

/**
 * Names what a node's trust configuration comes to, as `sha256:…`: two nodes have the same when they take the same
 * images by the same keys and look for signatures in the same places. How files are written, what they are called,
 * their order and where keys lie makes no difference; what a key file holds does.
 */
export function trustDigest(trust: ReportedTrust): string {
  const meaning = {
    ...policies(trust),
    lookasides: lookasides(trust),
    registries: registries(trust),
  };
  return sha256(canonicalJson(meaning));
}

/** Where CRI-O or a namespace has no policy of its own, or one that says the same, the next one speaks. */
function policies({ policies: all, keyFiles }: ReportedTrust): { readonly [name: string]: Json } {
  const of = (wanted: ReportedPolicy['role']): readonly Json[] =>
    all.filter(({ role }) => role === wanted).map((each) => policyMeaning(each, keyFiles));
  const [system = null] = of('system');
  const [crio = system] = of('crio');
  const namespaces = all.flatMap((each): readonly Json[] => {
    const says = policyMeaning(each, keyFiles);
    const isOwn = each.role === 'namespace' && canonicalJson(says) !== canonicalJson(crio);
    return isOwn ? [[each.namespace ?? each.path, says]] : [];
  });
  return { system, crio, namespaces };
}

/** The policy with the hash of each key file in place of its path; of one that cannot be read the path and why. */
export function withKeyContents(policy: Policy, keyFiles: ReportedTrust['keyFiles']): Policy {
  const read = (requirements: readonly PolicyRequirement[]): readonly PolicyRequirement[] =>
    requirements.map((one) => contentsIn(one, '', keyFiles) as PolicyRequirement); // of the same shape
  return {
    default: read(policy.default),
    transports: new Map(
      [...policy.transports].map(([transport, scopes]) => [
        transport,
        new Map([...scopes].map(([scope, requirements]) => [scope, read(requirements)])),
      ]),
    ),
  };
}

function contentsIn(value: unknown, name: string, keyFiles: ReportedTrust['keyFiles']): unknown {
  if (Array.isArray(value)) return value.map((one: unknown) => contentsIn(one, name, keyFiles));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [key, contentsIn(member, key, keyFiles)]),
    );
  }
  if (typeof value !== 'string' || !/Paths?$/.test(name)) return value;
  const file = keyFiles.get(value);
  return file?.sha256 ?? `${value} (${file?.problem?.reason ?? 'not-reported'})`;
}

function policyMeaning(
  { policy, problem }: ReportedPolicy,
  keyFiles: ReportedTrust['keyFiles'],
): Json {
  return policy === undefined ? problemMeaning(problem) : scopesOf(policy, keyFiles);
}

function scopesOf(policy: Policy, keyFiles: ReportedTrust['keyFiles']): Json {
  const { default: fallback, transports } = withKeyContents(policy, keyFiles);
  const scopes = [...transports].flatMap(([transport, entries]) =>
    [...entries].map(([scope, requirements]) =>
      canonicalJson([transport, scope, sortedTexts(requirements)]),
    ),
  );
  return { default: sortedTexts(fallback), scopes: scopes.sort() };
}

/** Of requirements all have to be met: neither their order nor a repetition counts. */
function sortedTexts(values: readonly object[]): readonly string[] {
  return [...new Set(values.map((value) => canonicalJson(plain(value))))].sort();
}

function lookasides({ registriesD, registriesDProblem }: ReportedTrust): Json {
  if (registriesD === undefined) return problemMeaning(registriesDProblem);
  const { docker, defaultDocker } = registriesD;
  return sortedTexts([
    ...[...docker].flatMap(([scope, section]) => {
      const from = readingFrom(section);
      return isEmpty(from) ? [] : [{ scope, ...from }];
    }),
    ...[readingFrom(defaultDocker ?? {})].filter((from) => !isEmpty(from)),
  ]);
}

function isEmpty(members: object): boolean {
  return Object.values(members).every((member) => member === undefined);
}

/** Where signatures would be written to, and by which of its two names a setting goes, makes no difference. */
function readingFrom({
  lookaside,
  sigstore,
  useSigstoreAttachments,
}: Partial<RegistriesDSection>): object {
  return { lookaside: lookaside ?? sigstore, attachments: useSigstoreAttachments };
}

function registries({ registriesConf, registriesConfProblem }: ReportedTrust): Json {
  if (registriesConf === undefined) return problemMeaning(registriesConfProblem);
  const { shortNameMode, unqualifiedSearchRegistries: search } = registriesConf;
  const all = [...registriesConf.registries.values()].map(({ file: _, ...registry }) => registry);
  return { shortNameMode, search, registries: sortedTexts(all) };
}

function problemMeaning(problem: ReportedProblem | undefined): Json {
  return { problem: problem?.reason ?? 'not-reported' };
}

function plain(value: object): Json {
  return value as Json; // plain data of our own types
}
