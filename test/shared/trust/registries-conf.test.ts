import t from 'tap';
import { parseReference, referenceText, withDefaultTag } from '../../../shared/trust/reference.ts';
import {
  parseRegistriesConf,
  type RegistriesConf,
  resolveRegistry,
} from '../../../shared/trust/registries-conf.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
const parse = (content: string, ...dropIns: string[]) =>
  parseRegistriesConf(
    { name: 'registries.conf', content },
    dropIns.map((text, index) => ({ name: `${index}.conf`, content: text })),
  );
const sources = (config: RegistriesConf, reference: string) =>
  resolveRegistry(config, withDefaultTag(parseReference(reference))).sources.map(
    ({ reference, insecure, isMirror }) =>
      `${referenceText(reference)}${insecure ? ' insecure' : ''}${isMirror ? ' mirror' : ''}`,
  );

const config = parse(`
unqualified-search-registries = ["q.io", "localhost:5000/"]
short-name-mode = "enforcing"
[[registry]]
prefix = "a.io/ns"
location = "up.io/other/"
[[registry.mirror]]
location = "m1.io/x"
insecure = true
[[registry.mirror]]
location = "m2.io"
pull-from-mirror = "digest-only"
[[registry.mirror]]
location = "m3.io"
pull-from-mirror = "tag-only"
[[registry]]
location = "a.io/ns/deep"
[[registry]]
location = "b.io"
mirror-by-digest-only = true
[[registry.mirror]]
location = "m4.io/b"
[[registry]]
location = "blocked.io"
blocked = true
[[registry.mirror]]
location = "m5.io"
[[registry.mirror]]
location = "blocked.io/mirror"
[[registry]]
prefix = "*.wild.io"
insecure = true
[[registry]]
prefix = "*.b.test"
location = "first.io"
[[registry]]
prefix = "a.b.test"
location = "second.io"
[aliases]
short = "docker.io/x"
`);

const resolved: readonly (readonly [string, string, readonly string[]])[] = [
  [
    'mirrors for tags, then the location',
    'a.io/ns/x:1',
    ['m1.io/x/x:1 insecure mirror', 'm3.io/x:1 mirror', 'up.io/other/x:1'],
  ],
  [
    'mirrors for digests',
    `a.io/ns/x@${digest}`,
    [`m1.io/x/x@${digest} insecure mirror`, `m2.io/x@${digest} mirror`, `up.io/other/x@${digest}`],
  ],
  ['the longest prefix', 'a.io/ns/deep/x', ['a.io/ns/deep/x:latest']],
  ['no prefix that ends inside a part', 'a.io/nsx/y', ['a.io/nsx/y:latest']],
  ['a mirror for digests alone, and a tag', 'b.io/x', ['b.io/x:latest']],
  [
    'a mirror for digests alone, and a digest',
    `b.io/x@${digest}`,
    [`m4.io/b/x@${digest} mirror`, `b.io/x@${digest}`],
  ],
  ['a mirror of a blocked registry', 'blocked.io/x', ['m5.io/x:latest mirror']],
  ['a wildcard without a location', 'x.y.wild.io:5000/a', ['x.y.wild.io:5000/a:latest insecure']],
  ['no wildcard for the domain itself', 'wild.io/a', ['wild.io/a:latest']],
  ['a wildcard before a host as long', 'a.b.test/x', ['first.io/x:latest']],
  ['nothing at all', 'else.io/x', ['else.io/x:latest']],
];
for (const [name, reference, expected] of resolved) {
  t.test(`an image is fetched by ${name}`, async (t) =>
    t.same(sources(config, reference), expected),
  );
}

t.test('short names and their mode are kept', async (t) => {
  t.same(config.unqualifiedSearchRegistries, ['q.io', 'localhost:5000']);
  t.equal(config.shortNameMode, 'enforcing');
  t.same([...config.aliases], [['short', 'docker.io/library/x']]);
  t.equal(parseRegistriesConf(undefined).shortNameMode, 'permissive', 'without a file');
});

t.test('a registry whose places are all blocked is blocked', async (t) => {
  const blocked = parse('[[registry]]\nlocation = "b.io"\nblocked = true\n');
  t.match(resolveRegistry(blocked, parseReference('b.io/x:1')), { blocked: true, sources: [] });
  t.match(resolveRegistry(blocked, parseReference('c.io/x:1')), { blocked: false });
});

t.test('a location that makes no reference ends everything, as in the library', async (t) => {
  const odd = parse('[[registry]]\nprefix = "a.io"\nlocation = "docker.io"\n');
  t.match(resolveRegistry(odd, parseReference('a.io/x:1')), {
    blocked: true,
    invalid: 'docker.io/x:1',
  });
});

t.test('a drop-in replaces registries of the same prefix whole, and members it has', async (t) => {
  const merged = parse(
    'unqualified-search-registries = ["q.io"]\n[[registry]]\nlocation = "a.io"\ninsecure = true\n[aliases]\nx = "a.io/x"\ny = "a.io/y"\n',
    '[[registry]]\nlocation = "a.io"\n[[registry.mirror]]\nlocation = "m.io"\n[aliases]\nx = ""\n',
    'unqualified-search-registries = []\n[[registry]]\nlocation = "b.io"\nblocked = true\n',
  );
  t.same(
    sources(merged, 'a.io/x'),
    ['m.io/x:latest mirror', 'a.io/x:latest'],
    'no longer insecure',
  );
  t.same(sources(merged, 'b.io/x'), []);
  t.same(merged.unqualifiedSearchRegistries, []);
  t.same([...merged.aliases.keys()], ['y'], 'an empty alias takes one away');
  t.equal(merged.registries.get('b.io')?.file, '1.conf');
});

t.test('version 1 is read, but not in drop-ins', async (t) => {
  const old =
    '[registries.search]\nregistries = ["q.io//"]\n[registries.block]\nregistries = ["b.io"]\n[registries.insecure]\nregistries = ["i.io/"]\n';
  const read = parse(old);
  t.same(read.unqualifiedSearchRegistries, ['q.io']);
  t.same(sources(read, 'i.io/x'), ['i.io/x:latest insecure']);
  t.same(sources(read, 'b.io/x'), []);
  t.throws(() => parse('', old), { code: 'ERR_REGISTRIES_CONF_VALUE', file: '0.conf' });
});

const registry = (lines: string) => `[[registry]]\nlocation = "a.io"\n${lines}\n`;
const refused: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'both versions',
    'credential-helpers = []\n[registries.search]\nregistries = []\n',
    'registries',
    /version 1/,
  ],
  [
    'neither location nor prefix',
    '[[registry]]\nblocked = true\n',
    'registry[0].location',
    /location or a prefix/,
  ],
  ['a prefix alone', '[[registry]]\nprefix = "a.io"\n', 'registry[0].location', /a location/],
  [
    'a wildcard with a port',
    '[[registry]]\nprefix = "*.a.io:5000"\n',
    'registry[0].prefix',
    /a domain alone/,
  ],
  ['a scheme', '[[registry]]\nlocation = "https://a.io"\n', 'registry[0].location', /without http/],
  [
    'a mirror without a location',
    `${registry('')}[[registry.mirror]]\ninsecure = true\n`,
    'registry[0].mirror[0].location',
    /a location/,
  ],
  [
    'an unknown use of a mirror',
    `${registry('')}[[registry.mirror]]\nlocation = "m.io"\npull-from-mirror = "never"\n`,
    'registry[0].mirror[0].pull-from-mirror',
    /one of all/,
  ],
  [
    'two rules for a mirror',
    `${registry('mirror-by-digest-only = true')}[[registry.mirror]]\nlocation = "m.io"\npull-from-mirror = "all"\n`,
    'registry[0].mirror[0].pull-from-mirror',
    /not beside/,
  ],
  [
    "a mirror's member at the registry",
    registry('pull-from-mirror = "all"'),
    'registry[0].pull-from-mirror',
    /only in a mirror/,
  ],
  [
    'one location, insecure and not',
    `${registry('')}${registry('prefix = "b.io"\ninsecure = true')}`,
    'registry',
    /insecure/,
  ],
  [
    'one location, blocked and not',
    `${registry('')}${registry('blocked = true')}`,
    'registry',
    /blocked/,
  ],
  ['a text for a boolean', registry('blocked = "true"'), 'registry[0].blocked', /true or false/],
  [
    'a search registry with a path',
    'unqualified-search-registries = ["a.io/ns"]',
    'unqualified-search-registries',
    /host\[:port\]/,
  ],
  [
    'an unknown mode',
    'short-name-mode = "ask"',
    'short-name-mode',
    /disabled, permissive, enforcing/,
  ],
  ['an alias with a tag', '[aliases]\nx = "q.io/x:1"\n', 'aliases.x', /without tag/],
  [
    'an alias for a full name',
    '[aliases]\n"q.io/x" = "q.io/y"\n',
    'aliases["q.io/x"]',
    /short name/,
  ],
];
for (const [name, text, path, message] of refused) {
  t.test(`a configuration with ${name} is refused`, async (t) => {
    t.throws(() => parse(text), {
      code: 'ERR_REGISTRIES_CONF_VALUE',
      file: 'registries.conf',
      path,
      message,
    });
    t.throws(() => parse('', '', text), { file: '1.conf', code: 'ERR_REGISTRIES_CONF_VALUE' });
  });
}

t.test('a file that is no TOML is refused with its place', async (t) => {
  t.throws(() => parse('a = 1\ninvalid'), {
    code: 'ERR_REGISTRIES_CONF_SYNTAX',
    file: 'registries.conf',
    line: 2,
  });
});
