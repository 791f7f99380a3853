import { dirname, join, resolve } from 'node:path';
import * as v from 'valibot';
import { ConfigError, readConfig } from '../shared/config.ts';
import { nearest } from '../shared/nearest.ts';
import { SEVERITIES } from '../shared/results.ts';
import { PACKAGE_FOLDER } from '../shared/version.ts';
import { AS_IS, type Profile, ROLES, type Tailoring } from './profile.ts';
import { DEFAULT_VALUES, type ProfileValues } from './profile-values.ts';
import { type NamedCheck, rulesNamed, unknownName } from './rule-names.ts';

/** The profiles that come with nodeseal, by name. */
export const SHIPPED_PROFILES = [
  'openshift-default',
  'openshift-strict',
  'stig',
  'rhel-host',
] as const;

/** Where they lie: beside package.json, in a checkout as in an installation. */
export const PROFILE_FOLDER: string = join(PACKAGE_FOLDER, 'packaging/profiles');

interface ProfileFile {
  readonly title: string;
  readonly description: string;
  readonly extends?: string;
  readonly rules: Readonly<Record<string, Partial<Tailoring>>>;
  readonly values: Partial<ProfileValues>;
}

const text = v.pipe(v.string(), v.minLength(1, 'expected text'));
const texts = v.array(text);
/** `[1]` is as good as `["1"]`: a sysctl is text to the kernel and a number to people. */
const sysctl = v.pipe(
  v.array(v.union([text, v.pipe(v.number(), v.integer('expected a whole number or text'))])),
  v.minLength(1, 'expected a value'),
  v.transform((values) => values.map(String)),
);

const tailoring: v.GenericSchema<unknown, Partial<Tailoring>> = v.strictObject({
  selected: v.exactOptional(v.boolean()),
  role: v.exactOptional(v.picklist(ROLES)),
  severity: v.exactOptional(v.picklist(SEVERITIES)),
});

const profileValues: v.GenericSchema<unknown, Partial<ProfileValues>> = v.strictObject({
  fips: v.exactOptional(v.picklist(['intent', 'required'])),
  privilegedNamespaces: v.exactOptional(texts),
  privilegedContainers: v.exactOptional(texts),
  allowedRegistries: v.exactOptional(texts),
  allowedMirrors: v.exactOptional(texts),
  selinuxBooleansOn: v.exactOptional(texts),
  unconfinedPrograms: v.exactOptional(texts),
  sysctls: v.exactOptional(v.record(v.string(), sysctl)),
  kernelArguments: v.exactOptional(texts),
});

function fileSchema(checks: readonly NamedCheck[]): v.GenericSchema<unknown, ProfileFile> {
  const rules = v.pipe(
    v.record(v.string(), tailoring),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const input = dataset.value;
      for (const [key, value] of Object.entries(input)) {
        if (rulesNamed(key, checks).length > 0) continue;
        const path = [{ type: 'object' as const, origin: 'key' as const, input, key, value }];
        addIssue({ message: unknownName(key, checks), path: [path[0] as v.ObjectPathItem] });
      }
    }),
  );
  return v.strictObject({
    title: text,
    description: text,
    extends: v.exactOptional(text),
    rules: v.optional(rules, {}),
    values: v.optional(profileValues, {}),
  });
}

/**
 * Reads a profile and those it extends. `word` is the name of a shipped one or, with a slash in it, the path of a file.
 * Lines about one rule add up, the later of two wins, those of the extended profile come first; a value replaces the
 * whole of the extended profile's. Throws `ConfigError`, which names the place in the file.
 */
export async function readProfile(word: string, checks: readonly NamedCheck[]): Promise<Profile> {
  const chain = await readChain(word, fileSchema(checks));
  const [own] = chain;
  if (own === undefined) throw new Error('a chain of profiles begins with its own');
  const rules = new Map<string, Tailoring>();
  let values = DEFAULT_VALUES;
  for (const { content } of chain.toReversed()) {
    for (const [pattern, refined] of Object.entries(content.rules)) {
      for (const id of rulesNamed(pattern, checks)) {
        rules.set(id, { ...(rules.get(id) ?? AS_IS), ...refined });
      }
    }
    values = { ...values, ...content.values };
  }
  const { title, description } = own.content;
  return { name: word, title, description, rules, values };
}

interface Link {
  readonly file: string;
  readonly content: ProfileFile;
}

/** A profile, the one it extends, and so on. */
async function readChain(
  word: string,
  schema: v.GenericSchema<unknown, ProfileFile>,
): Promise<readonly Link[]> {
  const chain: Link[] = [];
  let file = fileOf(word, process.cwd(), 'profile');
  for (;;) {
    const content = await readConfig(file, schema);
    chain.push({ file, content });
    if (content.extends === undefined) return chain;
    const next = fileOf(content.extends, dirname(file), `${file}: extends`);
    if (chain.some((link) => link.file === next)) {
      throw new ConfigError('ERR_CONFIG_VALUE', `${file}: extends: ${next} extends this profile`);
    }
    file = next;
  }
}

function fileOf(word: string, folder: string, member: string): string {
  if (word.includes('/')) return resolve(folder, word);
  if (SHIPPED_PROFILES.some((name) => name === word)) return join(PROFILE_FOLDER, `${word}.yaml`);
  const near = nearest(word, SHIPPED_PROFILES);
  const hint =
    near === undefined ? `known: ${SHIPPED_PROFILES.join(', ')}` : `did you mean "${near}"?`;
  throw new ConfigError(
    'ERR_CONFIG_VALUE',
    `${member}: unknown profile "${word}", ${hint} (a file is named by a path with a slash)`,
  );
}
