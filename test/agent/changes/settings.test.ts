import t from 'tap';
import { readSettings, type SettingsFormat } from '../../../agent/changes/settings.ts';

const CASES: readonly (readonly [
  name: string,
  format: SettingsFormat,
  text: string,
  settings: Readonly<Record<string, string>> | undefined,
])[] = [
  [
    'TOML',
    'toml',
    '[crio.runtime]\nselinux = true\ndefault_env = ["A=1", "B=2"]\n[crio.runtime.runtimes."a.b"]\npath = "/x"\n',
    {
      'crio.runtime.selinux': 'true',
      'crio.runtime.default_env': '["A=1","B=2"]',
      'crio.runtime.runtimes["a.b"].path': '/x',
    },
  ],
  [
    'registries, which go by their names and not by their order',
    'toml',
    '[[registry]]\nprefix = "a"\nlocation = "x"\n[[registry]]\nlocation = "b"\nblocked = true\n[[registry.mirror]]\nlocation = "m"\n',
    {
      'registry["a"].prefix': 'a',
      'registry["a"].location': 'x',
      'registry["b"].location': 'b',
      'registry["b"].blocked': 'true',
      'registry["b"].mirror["m"].location': 'm',
    },
  ],
  [
    'registries with one name, which go by their order',
    'toml',
    '[[registry]]\nlocation = "b"\n[[registry]]\nlocation = "b"\n',
    { 'registry[0].location': 'b', 'registry[1].location': 'b' },
  ],
  ['a time of TOML', 'toml', 'a = 1979-05-27T07:32:00Z\n', { a: '"1979-05-27T07:32:00.000Z"' }],
  [
    'YAML',
    'yaml',
    'authentication:\n  anonymous:\n    enabled: false\n  x509: {}\nlist: [1, 2]\nnone: null\n',
    { 'authentication.anonymous.enabled': 'false', list: '["1","2"]' },
  ],
  ['JSON, which is YAML', 'yaml', '{"a": {"b": "c"}}', { 'a.b': 'c' }],
  [
    'lines',
    'lines',
    '# a = 1\n kernel.x = 1\n-net.ipv4.conf.*.rp_filter=2 \nno value\nSELINUX=enforcing\n',
    { 'kernel.x': '1', 'net.ipv4.conf.*.rp_filter': '2', SELINUX: 'enforcing' },
  ],
  ['lines of which the last counts', 'lines', 'a=1\na=2\n', { a: '2' }],
  ['an empty file', 'toml', '', {}],
  ['an empty file', 'yaml', '', {}],
  ['an empty file', 'lines', '', {}],
  ['TOML cut short', 'toml', '[crio', undefined],
  ['YAML cut short', 'yaml', 'a: [1', undefined],
  ['a member twice', 'yaml', 'a: 1\na: 2\n', undefined],
  ['a member twice', 'toml', 'a = 1\na = 2\n', undefined],
  ['a text in place of a document', 'yaml', 'just text', { '': 'just text' }],
  [
    'far too many settings',
    'lines',
    Array.from({ length: 2001 }, (_, n) => `a${n}=1\n`).join(''),
    undefined,
  ],
  ['far too deep nesting', 'yaml', `${'{a: '.repeat(30)}1${'}'.repeat(30)}`, undefined],
  [
    'aliases that grow without end',
    'yaml',
    `a0: &a0 [x, x]\n${Array.from({ length: 20 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}]\n`).join('')}`,
    undefined,
  ],
  [
    'the name of a prototype',
    'yaml',
    '__proto__: 1\nconstructor: 2\n',
    { ['__proto__']: '1', constructor: '2' },
  ],
];

/** Each as long as is read at all; with a parser for every occasion some of these took minutes. */
const LONG = 64 * 1024;
const HARD: readonly (readonly [name: string, format: SettingsFormat, text: string])[] = [
  ['open brackets', 'yaml', '['.repeat(LONG)],
  ['open tables', 'yaml', '{a: '.repeat(LONG / 4)],
  ['nested lists', 'yaml', '- '.repeat(LONG / 2)],
  ['quotation marks', 'yaml', '"'.repeat(LONG)],
  ['tags', 'yaml', '!!binary '.repeat(LONG / 9)],
  ['many keys', 'yaml', Array.from({ length: LONG / 12 }, (_, n) => `a${n}: 1\n`).join('')],
  [
    'a chain of aliases',
    'yaml',
    `x: &x0 y\n${Array.from({ length: 1500 }, (_, n) => `a${n}: &x${n + 1} [*x${n}]\n`).join('')}`,
  ],
  ['an alias of itself', 'yaml', 'a: &a [*a]\n'],
  ['open lists', 'toml', `a = ${'['.repeat(LONG - 4)}`],
  ['dots', 'toml', `${'a.'.repeat(LONG / 2 - 3)}a = 1`],
  ['too long a text', 'lines', 'a=1\n'.repeat(LONG / 4 + 1)],
];

for (const [name, format, text] of HARD) {
  t.test(`${name} (${format}) are refused in time`, async (t) => {
    const startMs = performance.now();
    t.equal(readSettings(format, text), undefined);
    t.ok(performance.now() - startMs < 10_000);
  });
}

for (const [name, format, text, settings] of CASES) {
  t.test(`${name} (${format}) is read as settings`, async (t) => {
    const found = readSettings(format, text);
    t.strictSame(found && [...found].sort(), settings && Object.entries(settings).sort());
  });
}
