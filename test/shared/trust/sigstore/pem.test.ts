import t from 'tap';
import { nextPemBlock } from '../../../../shared/trust/sigstore/pem.ts';

const A = '-----BEGIN A-----\nYWE=\n-----END A-----\n';
const B = '-----BEGIN B-----\nYmI=\n-----END B-----\n';

function first(text: string): unknown {
  const block = nextPemBlock(text);
  return block && [block.label, Buffer.from(block.bytes).toString(), text.slice(block.end)];
}

const found: readonly (readonly [string, string, unknown])[] = [
  ['alone', A, ['A', 'aa', '']],
  ['without a last line feed', A.trimEnd(), ['A', 'aa', '']],
  ['with carriage returns', A.replaceAll('\n', '\r\n'), ['A', 'aa', '']],
  ['with text before and after', `hello\n${A}bye\n`, ['A', 'aa', 'bye\n']],
  ['before another', A + B, ['A', 'aa', B]],
  ['with an empty line after it', `${A}\n`, ['A', 'aa', '\n']],
  [
    'with blanks inside and at line ends',
    '-----BEGIN A----- \nYW \tE=\t\n-----END A----- \t\n',
    ['A', 'aa', ''],
  ],
  ['with headers', '-----BEGIN A-----\nK: v\n\nYWE=\n-----END A-----\n', ['A', 'aa', '']],
  ['without content', '-----BEGIN A-----\n-----END A-----\n', ['A', '', '']],
  ['with an empty label', '-----BEGIN -----\nYWE=\n-----END -----\n', ['', 'aa', '']],
  ['after a BEGIN without END', `-----BEGIN B-----\n${A}`, ['A', 'aa', '']],
  ['after an END without BEGIN', `x\n-----END B-----\n${A}`, ['A', 'aa', '']],
  [
    'after a block with two labels',
    `-----BEGIN A-----\nYWE=\n-----END B-----\n${B}`,
    ['B', 'bb', ''],
  ],
  [
    'after a block that is no base64',
    `-----BEGIN A-----\n*\n-----END A-----\n${B}`,
    ['B', 'bb', ''],
  ],
];

for (const [name, text, expected] of found) {
  t.test(`a block ${name} is found`, async (t) => t.same(first(text), expected));
}

const none: readonly (readonly [string, string])[] = [
  ['empty', ''],
  ['of words', 'no key here'],
  ['with a BEGIN inside a line', `x${A}`],
  ['with four dashes', A.replaceAll('-----', '----')],
  ['cut short', A.slice(0, -10)],
  ['with more after END', A.replace('END A-----', 'END A-----x')],
  ['without padding', A.replace('=', '')],
  ['with the URL alphabet', A.replace('YWE=', 'Y-E=')],
  ['with DASHES of a label that ends early', '-----BEGIN A\nYWE=\n-----END A-----\n'],
];

for (const [name, text] of none) {
  t.test(`a text ${name} holds no block`, async (t) => t.equal(first(text), undefined));
}

t.test('a megabyte of broken blocks takes no time', async (t) => {
  for (const line of [
    '-----BEGIN A-----\n',
    '\n-----END A-----',
    '-----BEGIN a:b-----\n-----END ',
  ]) {
    const text = line.repeat(1_000_000 / line.length);
    const before = process.cpuUsage();
    nextPemBlock(text);
    const { user, system } = process.cpuUsage(before);
    t.ok(user + system < 500_000, `${user + system} microseconds for ${JSON.stringify(line)}`);
  }
});
