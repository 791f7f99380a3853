import { join } from 'node:path';
import t from 'tap';
import * as v from 'valibot';
import { readSettings } from '../../agent/changes/settings.ts';
import { parseInventory } from '../../aggregator/coverage/inventory.ts';
import { parseConfig } from '../../shared/config.ts';
import { messageOf } from '../../shared/errors.ts';
import { parseYaml } from '../../shared/trust/yaml.ts';
import { readYamlFile, YamlFileError } from '../../shared/yaml-file.ts';
import { runCli } from '../cli/fake-io.ts';

/** Ten times as many at each level. */
const BOMB = [...'abcdefgh']
  .map((name, index, all) => {
    const item = index === 0 ? 'x' : `*${all[index - 1]}`;
    return `${name}: &${name} [${Array(10).fill(item).join(', ')}]\n`;
  })
  .join('');

/** What files written for us say of a text, and what a file of the node does, which is read as Go reads it. */
const refused: readonly (readonly [name: string, text: string, ours: RegExp, ofNode?: RegExp])[] = [
  ['lists without end', '['.repeat(50_000), /less deep nesting/, /less deep nesting/],
  ['mappings without end', '{a: '.repeat(20_000), /less deep nesting/, /less deep nesting/],
  ['aliases that multiply', BOMB, /Excessive alias count/],
  ['an alias of nothing', 'a: *b\n', /Unresolved alias/, /an anchor b before/],
  ['a key twice', 'a: 1\na: 2\n', /2.*1: Map keys must be unique/, /a once/],
  ['NUL', 'a: 1\nb: c\0d\n', /2.*5: expected no control characters/, /no control characters/],
  ['tabs for indentation', 'a:\n\tb: 1\n', /2.*1: Tabs are not allowed/, /./],
  ['a list that does not end', 'a: [1\n', /2.*1: Flow sequence/, /./],
  ['two documents', 'a: 1\n---\nb: 2\n', /one YAML document/],
  ['a tag of no meaning', 'a: !env HOME\n', /1.*4: Unresolved tag: !env/],
];

const OURS: Readonly<Record<string, (text: string) => unknown>> = {
  'a configuration': (text) => parseConfig(text, 'f', v.record(v.string(), v.unknown())),
  'an inventory': (text) => parseInventory(text, 'nodes.yaml'),
  'a file of ours': readYamlFile,
};

for (const [name, text, ours, ofNode] of refused) {
  t.test(`${name} in YAML`, async (t) => {
    for (const [what, read] of Object.entries(OURS)) t.throws(() => read(text), ours, what);
    const env = { NODESEAL_CONFIG: join(t.testdir({ 'config.yaml': text }), 'config.yaml') };
    const { exit, stderr } = await runCli(['get', 'nodes'], { env });
    t.equal(exit, 7, stderr);
    t.match(stderr, ours, 'contexts of the command line');
    const read = (): unknown => parseYaml(text)?.fields();
    if (ofNode === undefined) t.doesNotThrow(read, 'a file of the node');
    else t.throws(read, { code: 'ERR_YAML', message: ofNode }, 'a file of the node');
  });
}

t.test('settings of a node that cannot be taken apart are none', async (t) => {
  for (const [name, text, , ofNode] of refused) {
    if (ofNode !== undefined || text === BOMB) t.equal(readSettings('yaml', text), undefined, name);
  }
});

t.test('a byte order mark, tabs behind values and empty texts are read by all', async (t) => {
  const texts = ['\ufeffa: 1\n', 'a:\t1\t# one\n'];
  for (const text of texts) {
    t.same(parseConfig(text, 'f', v.strictObject({ a: v.number() })), { a: 1 });
    t.same(readYamlFile(text).value, { a: 1 });
    t.equal(parseYaml(text)?.fields().get('a')?.text(), '1');
    t.same([...(readSettings('yaml', text) ?? [])], [['a', '1']]);
  }
  t.same(parseInventory('\ufeff- rhel-1\n', 'nodes.yaml'), [{ name: 'rhel-1', pool: 'default' }]);
  for (const text of ['', '\ufeff', '# nothing\n', '---\n']) {
    t.equal(readYamlFile(text).value, null, JSON.stringify(text));
  }
});

t.test('a fault says its place, and what it is without it', async (t) => {
  const failure = (text: string): unknown => {
    try {
      return readYamlFile(text);
    } catch (error) {
      return error;
    }
  };
  const placed = failure('a: 1\na: 2\n');
  t.ok(placed instanceof YamlFileError);
  t.match(placed, { fault: 'Map keys must be unique', place: { line: 2, column: 1 } });
  t.equal(messageOf(placed), 'line 2, column 1: Map keys must be unique');
  t.match(failure('['.repeat(50_000)), { place: undefined, fault: 'expected less deep nesting' });
});
