import type { Random } from '../support/random.ts';

/** Names a draw is made of; the world gives them meaning (keys, manifests, folders). */
export const KEY_FILES = [
  'a.asc',
  'b.pgp',
  'ab.asc',
  'c.asc',
  'garbage.asc',
  'missing.asc',
] as const;
export const SIGNERS = ['a', 'b', 'c'] as const;
export const IMAGES = [
  { repository: 'team/app', tag: 'v1' },
  { repository: 'team/app', tag: 'v2' },
  { repository: 'team/sub/tool', tag: 'v1' },
  { repository: 'other/app', tag: 'latest' },
] as const;
export const LOOKASIDES = ['one', 'two'] as const;

export type Image = (typeof IMAGES)[number];
type Json = Readonly<Record<string, unknown>>;

/** One signature of the draw, before it is made. */
export interface SignatureRecipe {
  readonly signer: (typeof SIGNERS)[number];
  /** The image whose digest is signed. */
  readonly digestOf: Image;
  /** The reference that is signed, without the host when `host` is false. */
  readonly reference: string;
  readonly damage:
    | 'none'
    | 'flipped'
    | 'cut'
    | 'armored'
    | 'twice'
    | 'not-a-signature'
    | 'empty'
    | 'payload';
}

export interface DrawnPolicy {
  readonly default: readonly Json[];
  readonly transports?: { readonly docker: Readonly<Record<string, readonly Json[]>> };
}

/** Everything that decides one verdict; `HOST` and `KEYS` stand for the registry and the folder of keys. */
export interface Draw {
  readonly image: Image;
  readonly byDigest: boolean;
  readonly policy: DrawnPolicy;
  /** Contents of registries.d by file name. */
  readonly registriesD: Readonly<Record<string, string>>;
  /** Signatures in each lookaside, in order. */
  readonly lookasides: Readonly<Record<(typeof LOOKASIDES)[number], readonly SignatureRecipe[]>>;
}

export function draw(random: Random): Draw {
  const image = random.pick(IMAGES);
  return {
    image,
    byDigest: random.chance(0.3),
    policy: drawPolicy(random, image),
    registriesD: drawRegistriesD(random, image),
    lookasides: {
      one: drawSignatures(random, image),
      two: random.chance(0.5) ? drawSignatures(random, image) : [],
    },
  };
}

/** Scopes around the image, from the most to the least exact, and some beside it. */
function scopesAround(image: Image): readonly string[] {
  const parents = image.repository.split('/').map((_, index, all) => all.slice(0, index).join('/'));
  const scopes = [
    `HOST/${image.repository}:${image.tag}`,
    `HOST/${image.repository}`,
    ...parents.filter((parent) => parent !== '').map((parent) => `HOST/${parent}`),
    'HOST',
    '*.0.0.1',
    'HOST/tea',
    'HOST/other',
  ];
  // Each once: a repeated key of YAML is an error to the library since yaml.v3, and was none before (skopeo 1.9.3).
  return [...new Set(scopes)];
}

function drawPolicy(random: Random, image: Image): DrawnPolicy {
  const scopes = random.some([...scopesAround(image), ''], 0.35);
  const docker = Object.fromEntries(
    scopes.map((scope) => [scope, drawRequirements(random, image)]),
  );
  const transports = random.chance(0.9) ? { transports: { docker } } : {};
  return { default: drawRequirements(random, image), ...transports };
}

function drawRequirements(random: Random, image: Image): readonly Json[] {
  const count = random.pick([1, 1, 1, 1, 1, 1, 2, 3]);
  return Array.from({ length: count }, () => drawRequirement(random, image));
}

function drawRequirement(random: Random, image: Image): Json {
  if (random.chance(0.12)) return { type: random.pick(['insecureAcceptAnything', 'reject']) };
  const good = random.pick(['a.asc', 'a.asc', 'ab.asc', 'ab.asc', 'ab.asc', 'b.pgp']);
  const key = random.chance(0.92) ? good : random.pick(KEY_FILES);
  const source: Json = random.chance(0.8)
    ? { keyPath: `KEYS/${key}` }
    : random.chance(0.7)
      ? { keyPaths: random.some(KEY_FILES.slice(0, 4), 0.5).map((name) => `KEYS/${name}`) }
      : { keyData: `DATA:${good}` };
  const identity = random.chance(0.45) ? { signedIdentity: drawIdentity(random, image) } : {};
  return { type: 'signedBy', keyType: 'GPGKeys', ...source, ...identity };
}

function drawIdentity(random: Random, image: Image): Json {
  const other = random.pick(IMAGES);
  const near = random.chance(0.7) ? image : other;
  const repository = `HOST/${near.repository}`;
  return random.pick([
    { type: 'matchExact' },
    { type: 'matchRepoDigestOrExact' },
    { type: 'matchRepository' },
    { type: 'exactReference', dockerReference: `${repository}:${near.tag}` },
    { type: 'exactRepository', dockerRepository: repository },
    {
      type: 'remapIdentity',
      prefix: `HOST/${near.repository.split('/')[0]}`,
      signedPrefix: 'signed.example/x',
    },
    { type: 'remapIdentity', prefix: 'HOST', signedPrefix: 'signed.example' },
  ]);
}

function drawSignatures(random: Random, image: Image): readonly SignatureRecipe[] {
  const count = random.pick([0, 1, 1, 1, 1, 2, 2, 3]);
  return Array.from({ length: count }, () => drawSignature(random, image));
}

function drawSignature(random: Random, image: Image): SignatureRecipe {
  const other = random.pick(IMAGES);
  const named = random.chance(0.8) ? image : other;
  const host = random.pick(['HOST', 'HOST', 'HOST', 'HOST', 'signed.example', 'signed.example/x']);
  const suffix = random.pick([`:${named.tag}`, `:${named.tag}`, `:${named.tag}`, '', ':v9']);
  return {
    signer: random.pick(['a', 'a', 'a', 'a', 'b', 'b', 'c']),
    digestOf: random.chance(0.9) ? image : other,
    reference: `${host}/${named.repository}${suffix}`,
    damage: random.chance(0.88)
      ? 'none'
      : random.pick(['flipped', 'cut', 'armored', 'twice', 'not-a-signature', 'empty', 'payload']),
  };
}

function drawRegistriesD(random: Random, image: Image): Readonly<Record<string, string>> {
  const scopes = random.some(scopesAround(image), 0.1);
  const docker = scopes.map((scope) => `  "${scope}":\n    ${drawSection(random)}\n`);
  const files: Record<string, string> = {
    'default.yaml': `default-docker:\n  ${random.chance(0.9) ? 'lookaside' : 'sigstore'}: file://LOOKASIDE/one\n`,
  };
  if (docker.length > 0) files['scopes.yaml'] = `docker:\n${docker.join('')}`;
  if (random.chance(0.02)) files['again.yaml'] = 'default-docker: {}\n';
  if (random.chance(0.02)) files['broken.yaml'] = 'docker: [\n';
  if (random.chance(0.05)) files['ignored.yml'] = 'docker: [\n';
  return files;
}

function drawSection(random: Random): string {
  return random.pick([
    'lookaside: file://LOOKASIDE/two',
    'lookaside: file://LOOKASIDE/one',
    'sigstore: file://LOOKASIDE/two',
    'lookaside-staging: file://LOOKASIDE/two',
    'lookaside: ""',
    'lookasid: file://LOOKASIDE/two',
  ]);
}
