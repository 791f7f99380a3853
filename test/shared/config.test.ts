import { join } from 'node:path';
import t from 'tap';
import * as v from 'valibot';
import { ConfigError, parseConfig, readConfig } from '../../shared/config.ts';

const schema = v.strictObject({
  hostRoot: v.optional(v.string(), '/'),
  interval: v.optional(v.pipe(v.number(), v.minValue(1, 'expected 1 or more')), 300),
  logLevel: v.optional(v.picklist(['debug', 'info']), 'info'),
  aggregator: v.optional(v.strictObject({ url: v.string(), tokenFile: v.optional(v.string()) })),
  pools: v.optional(v.record(v.string(), v.strictObject({ profile: v.string() })), {}),
  checks: v.optional(v.array(v.string()), []),
});

t.test('a file is read with its defaults', async (t) => {
  const dir = t.testdir({
    'a.yaml': 'aggregator: {url: "wss://a"}\n',
    'empty.yaml': '# nothing\n',
  });
  t.same(await readConfig(join(dir, 'a.yaml'), schema), {
    hostRoot: '/',
    interval: 300,
    logLevel: 'info',
    aggregator: { url: 'wss://a' },
    pools: {},
    checks: [],
  });
  t.equal((await readConfig(join(dir, 'empty.yaml'), schema)).interval, 300, 'an empty file too');
});

const bad: readonly (readonly [name: string, text: string, code: string, message: string])[] = [
  [
    'an unknown key',
    'hostroot: /\n',
    'ERR_CONFIG_KEY',
    'f:1:11: hostroot: unknown key, did you mean "hostRoot"?',
  ],
  [
    'an unknown key further in',
    'aggregator:\n  url: x\n  tokenfile: y\n',
    'ERR_CONFIG_KEY',
    'f:3:14: aggregator.tokenfile: unknown key, did you mean "tokenFile"?',
  ],
  [
    'an unknown key in a named member',
    'pools:\n  w: {profil: x, profile: y}\n',
    'ERR_CONFIG_KEY',
    'f:2:15: pools.w.profil: unknown key, did you mean "profile"?',
  ],
  [
    'a key like no other',
    'aggregator: {url: x, zzzzzz: 1}\n',
    'ERR_CONFIG_KEY',
    'f:1:30: aggregator.zzzzzz: unknown key, known: url, tokenFile',
  ],
  [
    'a key that names a prototype',
    '__proto__: {}\n',
    'ERR_CONFIG_KEY',
    'f:1:12: __proto__: unknown key, known: hostRoot, interval, logLevel, aggregator, pools, checks',
  ],
  [
    'a value of another type',
    'interval: often\n',
    'ERR_CONFIG_VALUE',
    'f:1:11: interval: expected number, found "often"',
  ],
  [
    'a value out of range',
    'interval: 0\n',
    'ERR_CONFIG_VALUE',
    'f:1:11: interval: expected 1 or more',
  ],
  [
    'a word that is none of the known',
    'logLevel: loud\n',
    'ERR_CONFIG_VALUE',
    'f:1:11: logLevel: expected debug or info, found "loud"',
  ],
  [
    'a list where a mapping belongs',
    '- a\n',
    'ERR_CONFIG_VALUE',
    'f: expected a mapping, found a list',
  ],
  [
    'a mapping where a list belongs',
    'checks: {a: 1}\n',
    'ERR_CONFIG_VALUE',
    'f:1:9: checks: expected a list, found Object',
  ],
  [
    'a list item of another type',
    'checks:\n- a\n- 1\n',
    'ERR_CONFIG_VALUE',
    'f:3:3: checks[1]: expected string, found 1',
  ],
  ['a missing member', 'aggregator: {}\n', 'ERR_CONFIG_VALUE', 'f:1:13: aggregator.url: missing'],
  [
    'two faults',
    'interval: x\nhostroot: /\n',
    'ERR_CONFIG_VALUE',
    'f:1:11: interval: expected number, found "x"\nf:2:11: hostroot: unknown key, did you mean "hostRoot"?',
  ],
  [
    'a key given twice',
    'interval: 1\ninterval: 2\n',
    'ERR_CONFIG_SYNTAX',
    'f:2:1: Map keys must be unique',
  ],
  [
    'text that is not YAML',
    'interval: [1\n',
    'ERR_CONFIG_SYNTAX',
    'f:2:1: Flow sequence in block collection must be sufficiently indented and end with a ]',
  ],
  [
    'two documents',
    'interval: 1\n---\ninterval: 2\n',
    'ERR_CONFIG_SYNTAX',
    'f: expected one YAML document',
  ],
  [
    'a tag of no meaning',
    'hostRoot: !env HOME\n',
    'ERR_CONFIG_SYNTAX',
    'f:1:11: Unresolved tag: !env',
  ],
  [
    'an alias of nothing',
    'hostRoot: *x\n',
    'ERR_CONFIG_SYNTAX',
    'f: Unresolved alias (the anchor must be set before the alias): x',
  ],
  [
    'aliases that multiply',
    `${'abcdefgh'
      .split('')
      .map(
        (name, index, all) =>
          `${name}: &${name} [${Array(10)
            .fill(index === 0 ? 'x' : `*${all[index - 1]}`)
            .join(', ')}]`,
      )
      .join('\n')}\n`,
    'ERR_CONFIG_SYNTAX',
    'f: Excessive alias count indicates a resource exhaustion attack',
  ],
];

for (const [name, text, code, message] of bad) {
  t.test(`${name} is an error with its place`, async (t) => {
    try {
      parseConfig(text, 'f', schema);
      t.fail('no error');
    } catch (error) {
      t.match(error, { name: 'ConfigError', code });
      t.equal(error instanceof ConfigError && error.message, message);
    }
  });
}

t.test('a file that cannot be read says why', async (t) => {
  const dir = t.testdir({
    'latin1.yaml': Buffer.from([0x61, 0xe4]),
    'long.yaml': ' '.repeat(1_048_577),
  });
  const cases = [
    ['absent.yaml', 'ERR_CONFIG_READ', 'no such file'],
    ['.', 'ERR_CONFIG_READ', 'is a folder, expected a file'],
    ['long.yaml', 'ERR_CONFIG_READ', 'larger than 1048576 bytes'],
    ['latin1.yaml', 'ERR_CONFIG_SYNTAX', 'expected UTF-8 text'],
  ] as const;
  for (const [file, code, message] of cases) {
    const place = join(dir, file);
    await t.rejects(readConfig(place, schema), { code, message: `${place}: ${message}` }, file);
  }
});
