import { execFileSync } from 'node:child_process';
import { chmodSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { checks } from '../../agent/checks/index.ts';
import { readExceptions } from '../../agent/exceptions-file.ts';
import { ConfigError } from '../../shared/config.ts';
import { checkOf } from '../support/checks.ts';
import { alwaysPrivileged, asNobody } from '../support/unprivileged.ts';

const CHECKS = [checkOf('x'), checkOf('yes'), checkOf('exceptions')];
const WHO = 'reason: R, owner: alice';
const entry = (members: string): string => `exceptions:\n  - {${members}}\n`;

t.test('everything an exception can say is read', async (t) => {
  const text = `exceptions:
  - rule: x.a
    subject: /etc/*.conf
    node: worker-*
    reason: the vendor's package changes it, ticket 1234
    owner: alice@example.com
    expires: 2027-03-31
  - {rule: x, ${WHO}, expires: "2027-03-31T12:00:00+02:00"}
  - {rule: "*", ${WHO}, expires: 2027-03-31T12:00:00.5Z}
`;
  const file = join(t.testdir({ 'e.yaml': text }), 'e.yaml');
  t.strictSame(await readExceptions(file, CHECKS), [
    {
      key: 'x.a of /etc/*.conf on worker-*',
      ruleIds: new Set(['x.a']),
      subject: '/etc/*.conf',
      node: 'worker-*',
      reason: "the vendor's package changes it, ticket 1234",
      owner: 'alice@example.com',
      expiresMs: Date.parse('2027-04-01T00:00:00Z'),
      until: '2027-03-31',
    },
    {
      key: 'x',
      ruleIds: new Set(['x.a', 'x.b']),
      reason: 'R',
      owner: 'alice',
      expiresMs: Date.parse('2027-03-31T10:00:00Z'),
      until: '2027-03-31T12:00:00+02:00',
    },
    {
      key: '*',
      // Whoever excepts everything does not except that the file is broken or out of date.
      ruleIds: new Set(['x.a', 'x.b', 'yes.a', 'yes.b']),
      reason: 'R',
      owner: 'alice',
      expiresMs: Date.parse('2027-03-31T12:00:00.500Z'),
      until: '2027-03-31T12:00:00.5Z',
    },
  ]);
});

t.test('a list without entries is a file of exceptions', async (t) => {
  const file = join(t.testdir({ 'e.yaml': 'exceptions: []\n' }), 'e.yaml');
  t.strictSame(await readExceptions(file, CHECKS), []);
});

const dated = (date: string): string => entry(`rule: x.a, ${WHO}, expires: ${date}`);
const bad: readonly (readonly [string, string, RegExp])[] = [
  ['is empty', '', /e\.yaml: exceptions: missing/],
  ['is a list', '- {rule: x.a}\n', /expected a mapping, found a list/],
  ['is cut', 'exceptions: [', /e\.yaml:1:\d+|e\.yaml:2:\d+/],
  ['is binary', '\u0000\u0001', /e\.yaml/],
  ['misspells its key', 'exception: []\n', /exception: unknown key, did you mean "exceptions"/],
  ['is a word', 'exceptions: all\n', /exceptions: expected a list, found "all"/],
  [
    'has no owner',
    entry('rule: x.a, reason: R, expires: 2027-03-31'),
    /e\.yaml:2:5: exceptions\[0\]\.owner: missing/,
  ],
  ['has no reason', entry('rule: x.a, owner: a, expires: 2027-03-31'), /\[0\]\.reason: missing/],
  ['has no date', entry(`rule: x.a, ${WHO}`), /\[0\]\.expires: missing/],
  ['has no rule', entry(`${WHO}, expires: 2027-03-31`), /\[0\]\.rule: missing/],
  [
    'has a blank reason',
    entry('rule: x.a, reason: " ", owner: a, expires: 2027-03-31'),
    /\[0\]\.reason: expected text/,
  ],
  [
    'has a number for an owner',
    entry('rule: x.a, reason: R, owner: 7, expires: 2027-03-31'),
    /\[0\]\.owner: expected string, found 7/,
  ],
  [
    'misspells a member',
    entry(`rule: x.a, ${WHO}, expire: 2027-03-31`),
    /\[0\]\.expire: unknown key, did you mean "expires"/,
  ],
  [
    'misspells a rule',
    entry(`rule: yes.c, ${WHO}, expires: 2027-03-31`),
    /e\.yaml:2:\d+: exceptions\[0\]\.rule: no check or rule is called "yes\.c", did you mean "yes\.a"/,
  ],
  [
    'excepts itself',
    entry(`rule: exceptions.a, ${WHO}, expires: 2027-03-31`),
    /\[0\]\.rule: the rules of "exceptions" have no exceptions/,
  ],
  [
    'excepts all of itself',
    entry(`rule: exceptions, ${WHO}, expires: 2027-03-31`),
    /the rules of "exceptions" have no exceptions/,
  ],
  [
    'says the same twice',
    `exceptions:\n  - {rule: x.a, ${WHO}, expires: 2027-03-31}\n  - {rule: x.a, ${WHO}, expires: 2030-01-01}\n`,
    /exceptions: \[1\] is for the same as \[0\]: x\.a/,
  ],
  ['has a day that is none', dated('2027-02-30'), /\[0\]\.expires: expected a date of RFC 3339/],
  ['has a month that is none', dated('2027-13-01'), /expected a date/],
  ['has a year alone', dated('"2027"'), /expected a date/],
  ['has a number for a date', dated('2027'), /expected string, found 2027/],
  ['has a date with words', dated('never'), /expected a date/],
  ['has a time without a zone', dated('"2027-03-31T12:00:00"'), /expected a date/],
  ['has an hour that is none', dated('"2027-03-31T25:00:00Z"'), /expected a date/],
  ['has a date of another country', dated('31.03.2027'), /expected a date/],
  ['is huge', `exceptions: []\n#${'x'.repeat(1_100_000)}\n`, /larger than 1048576 bytes/],
];
for (const [name, text, message] of bad) {
  t.test(`a file that ${name} is refused`, async (t) => {
    const file = join(t.testdir({ 'e.yaml': text }), 'e.yaml');
    await t.rejects(readExceptions(file, CHECKS), { name: 'ConfigError', message });
  });
}

t.test('what is no file is refused, a pipe without waiting for it', async (t) => {
  const folder = t.testdir({ folder: {} });
  symlinkSync('nowhere', join(folder, 'link'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  for (const [name, message] of [
    ['folder', /is a folder, expected a file/],
    ['link', /no such file/],
    ['none', /no such file/],
    ['pipe', /is no regular file/],
  ] as const) {
    const code = 'ERR_CONFIG_READ';
    await t.rejects(readExceptions(join(folder, name), CHECKS), { code, message });
  }
});

t.test('a file that may not be read', { skip: alwaysPrivileged }, async (t) => {
  const folder = t.testdir({ 'e.yaml': 'exceptions: []\n' });
  chmodSync(join(folder, 'e.yaml'), 0o600);
  await asNobody(async () => {
    await t.rejects(readExceptions(join(folder, 'e.yaml'), CHECKS), ConfigError);
  });
});

t.test('the rules that judge exceptions are those of the check of that name', async (t) => {
  const file = join(
    t.testdir({ 'e.yaml': entry(`rule: "*", ${WHO}, expires: 2027-03-31`) }),
    'e.yaml',
  );
  const [all] = await readExceptions(file, checks);
  const ids = checks.flatMap(({ rules }) => rules.map(({ id }) => id));
  t.strictSame(
    ids.filter((id) => all?.ruleIds.has(id) === false),
    ['exceptions.valid', 'exceptions.expired', 'exceptions.unused'],
  );
});
