import { execFile, spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t from 'tap';
import { CodedError } from '../../../shared/errors.ts';
import { parsePolicy } from '../../../shared/trust/policy.ts';
import { parseReference } from '../../../shared/trust/reference.ts';
import { parseRegistriesConf, resolveRegistry } from '../../../shared/trust/registries-conf.ts';
import { parseYaml } from '../../../shared/trust/yaml.ts';
import { type Random, randomFrom } from '../../support/random.ts';

/** The real skopeo judges files drawn at random. Draws leave out what changed between its 1.9.3 and 2026. */
const COUNT = Number(process.env['NODESEAL_SKOPEO_COUNT'] ?? 25);
const seed = Number(process.env['NODESEAL_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const skip = spawnSync('skopeo', ['--version']).error === undefined ? false : 'needs skopeo';
const HEX = '0123456789abcdef'.repeat(4);
const PLACE = 'localhost:1/x/image:t';

function skopeo(args: readonly string[], home: string): Promise<string> {
  const env = { ...process.env, HOME: home };
  return new Promise((resolve) => {
    execFile('skopeo', args, { env }, (_, _stdout, stderr) => resolve(stderr));
  });
}

/** 'accepted', or our own words for refusing. */
function verdictOf(read: () => unknown): string {
  try {
    read();
    return 'accepted';
  } catch (error) {
    if (error instanceof CodedError) return error.message;
    throw error;
  }
}

interface Judge {
  readonly name: string;
  readonly draw: (random: Random) => string;
  /** Path of the file below the home of the user. */
  readonly file: string;
  readonly args: (home: string) => readonly string[];
  readonly refusal: RegExp;
  readonly read: (text: string) => unknown;
}

function drawPolicy(random: Random): string {
  const texts = [
    '',
    '/a',
    'YQ==',
    'YQ',
    'q.io/x:1',
    'q.io/x',
    'b',
    'q.io/X',
    'GPGKeys',
    HEX,
  ] as const;
  const types = [
    'matchExact',
    'matchRepository',
    'exactReference',
    'exactRepository',
    'remapIdentity',
    'none',
  ] as const;
  const spoil = (value: Record<string, unknown>, odds: number) => {
    if (!random.chance(odds)) return value;
    const name = random.pick([
      ...(Object.keys(value) as [string]),
      'type',
      'keyType',
      'keyData',
      'prefix',
      'x',
    ]);
    return { ...value, [name]: random.pick([...texts, null, 7, true, [], ['/a'], {}]) };
  };
  const identity = () => {
    const type = random.pick(types);
    const [a, b] = [random.pick(texts), random.pick(texts)];
    if (type === 'exactReference') return spoil({ type, dockerReference: a }, 0.1);
    if (type === 'exactRepository') return spoil({ type, dockerRepository: a }, 0.1);
    return spoil(type === 'remapIdentity' ? { type, prefix: a, signedPrefix: b } : { type }, 0.1);
  };
  const requirement = () => {
    const signedIdentity = random.chance(0.5) ? { signedIdentity: identity() } : {};
    return spoil(
      random.pick([
        { type: 'reject' },
        { type: 'insecureAcceptAnything' },
        { type: 'signedBy', keyType: 'GPGKeys', keyPath: '/a', ...signedIdentity },
        { type: 'signedBy', keyType: 'X509Certificates', keyData: 'YQ==', ...signedIdentity },
        { type: 'signedBaseLayer', baseLayerIdentity: identity() },
      ]),
      0.15,
    );
  };
  const [transport, scope] = random.pick([
    ['docker', '*.q.io:5000'],
    ['dir', '/a/'],
    ['dir', '/a'],
    ['docker-daemon', `sha256:${HEX}`],
    ['containers-storage', '[overlay@/s]x'],
    ['containers-storage', '[s]x'],
    ['docker-archive', '/a'],
    ['unheard', '?'],
  ]);
  const policy = {
    default: [requirement()],
    transports: { [transport]: { [scope]: [requirement()] } },
  };
  const text = JSON.stringify(spoil(policy, 0.05));
  const at = random.below(text.length);
  const damage = random.pick(['"', ',', '}', '\\', '\u0001', '0', ' ', '\n']);
  return random.chance(0.1) ? text.slice(0, at) + damage + text.slice(at) : text;
}

function drawYaml(random: Random): string {
  const values = [
    'https://a',
    '"q"',
    'yes',
    '~',
    '',
    '1.5',
    '[a]',
    '{a: b}',
    '&x v',
    '!!str true',
    '|\n      t\n',
    'a: b',
    'a #c',
    '- a',
    '"\\q"',
    '@x',
    '%x',
    '}',
    ']',
    '"open',
    '\tx',
    '*y',
  ] as const;
  const lines = ['default-docker:'];
  for (const name of random.some(['lookaside', 'sigstore', '"x"', 'y'], 0.5)) {
    lines.push(`  ${name}: ${random.pick(values)}`);
  }
  if (random.chance(0.7)) lines.push('docker:', `  q.io: ${random.pick(values)}`);
  lines.push(random.pick(['', '---\n}', '# c', '\t', '  \t', ' x', '...\n]']));
  const text = lines.join('\n');
  const at = random.below(text.length);
  const damage = random.pick(['\t', ':', '- ', '"', '\u0001', '}', ',']);
  return random.chance(0.1) ? text.slice(0, at) + damage + text.slice(at) : text;
}

function drawRegistries(random: Random): string {
  const places = [
    'localhost:1',
    'localhost:1/x',
    'localhost:2/y',
    '*.a.io',
    '*.a.io:1',
    'http://a',
    '',
    'localhost:3//',
  ] as const;
  const lines: string[] = [];
  for (let count = random.below(4); count > 0; count--) {
    lines.push('[[registry]]', `location = "${random.pick(places)}"`);
    if (random.chance(0.4)) lines.push(`prefix = "${random.pick(places)}"`);
    if (random.chance(0.4))
      lines.push(
        `${random.pick(['blocked', 'insecure', 'mirror-by-digest-only'])} = ${random.pick([true, false, '"true"'])}`,
      );
    for (let mirrors = random.below(3); mirrors > 0; mirrors--) {
      lines.push(
        '[[registry.mirror]]',
        `location = "${random.pick(['localhost:4', 'localhost:5/m', ''])}"`,
      );
      if (random.chance(0.3)) lines.push('insecure = true');
    }
  }
  const text = `${random.pick(['', 'unqualified-search-registries = ["a.io/x"]', 'short-name-mode = "enforcing"'])}\n${lines.join('\n')}\n`;
  const at = random.below(text.length);
  return random.chance(0.1)
    ? text.slice(0, at) + random.pick(['"', '[', '=', '\0']) + text.slice(at)
    : text;
}

const judges: readonly Judge[] = [
  {
    name: 'policies',
    draw: drawPolicy,
    file: 'policy.json',
    args: (home) => ['--policy', join(home, 'policy.json'), 'copy', 'dir:/none', 'dir:/none'],
    refusal: /invalid policy/,
    read: parsePolicy,
  },
  {
    name: 'the YAML of registries.d',
    draw: drawYaml,
    file: 'd/a.yaml',
    args: (home) => ['--registries.d', join(home, 'd'), 'inspect', `docker://${PLACE}`],
    // what follows the parsing is another library's in skopeo 1.9.3
    refusal: /converting YAML to JSON: yaml: (?!invalid map key|map merge)/,
    read: parseYaml,
  },
  {
    name: 'registries.conf',
    draw: drawRegistries,
    file: '.config/containers/registries.conf',
    args: () => ['inspect', '--retry-times', '0', `docker://${PLACE}`],
    refusal: /loading registries configuration/,
    read: (text) => parseRegistriesConf({ name: 'registries.conf', content: text }),
  },
];

for (const { name, draw, file, args, refusal, read } of judges) {
  t.test(`skopeo accepts and refuses ${name} as we do`, { skip }, async (t) => {
    t.comment(`NODESEAL_SEED=${seed}`);
    const random = randomFrom(seed);
    const home = t.testdir({});
    await mkdir(dirname(join(home, file)), { recursive: true });
    const differences: object[] = [];
    let accepted = 0;
    for (let count = 0; count < COUNT; count++) {
      const text = draw(random);
      await writeFile(join(home, file), text);
      const said = await skopeo(args(home), home);
      const ours = verdictOf(() => read(text));
      if (ours === 'accepted') accepted++;
      if (refusal.test(said) !== (ours !== 'accepted')) differences.push({ text, said, ours });
    }
    t.same(differences, [], `none of ${COUNT} differs`);
    t.ok(accepted > 0 && accepted < COUNT, `${accepted} of them are accepted`);
  });
}

t.test('skopeo asks the places that we say, in their order', { skip }, async (t) => {
  t.comment(`NODESEAL_SEED=${seed}`);
  const random = randomFrom(seed);
  const home = t.testdir({ '.config': { containers: {} } });
  const differences: object[] = [];
  let asked = 0;
  for (let count = 0; count < COUNT; count++) {
    const text = drawRegistries(random);
    if (verdictOf(() => parseRegistriesConf({ name: '', content: text })) !== 'accepted') continue;
    const config = parseRegistriesConf({ name: '', content: text });
    const { sources } = resolveRegistry(config, parseReference(PLACE));
    await writeFile(join(home, '.config/containers/registries.conf'), text);
    const said = await skopeo(['inspect', '--retry-times', '0', `docker://${PLACE}`], home);
    const places = [...said.matchAll(/Get \\"(https?):\/\/([^/]+)\//g)].map(
      ([, scheme, host]) => `${host}${scheme === 'http' ? ' insecure' : ''}`,
    );
    const ours = sources.map(
      ({ reference, insecure }) => `${reference.domain}${insecure ? ' insecure' : ''}`,
    );
    asked += places.length;
    if (places.join() !== ours.join()) differences.push({ text, said, ours });
  }
  t.same(differences, [], 'no place differs');
  t.ok(asked > 0, `${asked} places were asked`);
});
