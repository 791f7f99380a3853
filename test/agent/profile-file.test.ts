import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { checks } from '../../agent/checks/index.ts';
import { tailoringOf } from '../../agent/profile.ts';
import { PROFILE_FOLDER, readProfile, SHIPPED_PROFILES } from '../../agent/profile-file.ts';
import { DEFAULT_VALUES } from '../../agent/profile-values.ts';
import { ConfigError } from '../../shared/config.ts';
import { checkOf } from '../support/checks.ts';

const CHECKS = [checkOf('x'), checkOf('yes')];
const HEAD = 'title: T\ndescription: D\n';

t.test('the profiles that are shipped are those that can be named', async (t) => {
  t.strictSame(
    readdirSync(PROFILE_FOLDER).sort(),
    SHIPPED_PROFILES.map((name) => `${name}.yaml`).sort(),
  );
  t.equal(PROFILE_FOLDER, join(import.meta.dirname, '../../packaging/profiles'));
});

for (const name of SHIPPED_PROFILES) {
  t.test(`the profile ${name} names rules that exist, and says what it is`, async (t) => {
    // Reading it is the test: a rule that does not exist is an error.
    const profile = await readProfile(name, checks);
    t.equal(profile.name, name);
    t.match(profile.title, /^\S.*\S$/);
    t.match(profile.description, /\.$/);
    const ids = checks.flatMap(({ rules }) => rules.map(({ id }) => id));
    for (const id of profile.rules.keys()) t.ok(ids.includes(id), id);
  });
}

t.test('what the shipped profiles are for', async (t) => {
  const rule = 'seccomp.kubelet-default';
  const role = async (name: string) => tailoringOf(await readProfile(name, checks), rule);
  t.match(await role('openshift-default'), { role: 'unscored' });
  t.match(await role('rhel-host'), { role: 'unscored' });
  t.match(await role('openshift-strict'), { role: 'full', severity: 'medium' });
  t.match(await role('stig'), { role: 'full', severity: 'medium' }, 'extends the strict one');
  const { values } = await readProfile('stig', checks);
  t.match(values, {
    fips: 'required',
    selinuxBooleansOn: ['container_use_cephfs', 'virt_use_samba'],
    kernelArguments: ['page_poison=1', 'vsyscall=none', 'slub_debug'],
  });
  t.strictSame(values.sysctls['kernel.dmesg_restrict'], ['1'], 'numbers are text to the kernel');
  t.equal((await readProfile('openshift-strict', checks)).values.fips, 'intent');
  t.strictSame((await readProfile('rhel-host', checks)).values.privilegedNamespaces, []);
  t.strictSame(
    { ...(await readProfile('openshift-default', checks)).values },
    DEFAULT_VALUES,
    'the default profile is what holds where no profile speaks',
  );
});

t.test('a profile of the admin extends another, line by line and value by value', async (t) => {
  const folder = t.testdir({
    'base.yaml': `${HEAD}rules:
  x: {role: unscored}
  yes.a: {selected: false}
values: {allowedRegistries: [a.example, b.example], fips: required}
`,
    'own.yaml': `title: Own
description: O
extends: ./base.yaml
rules:
  'x.*': {severity: high}
  x.b: {role: full}
  yes.a: {selected: true, severity: low}
values: {allowedRegistries: [c.example]}
`,
  });
  const file = join(folder, 'own.yaml');
  const { name, title, rules, values } = await readProfile(file, CHECKS);
  t.equal(name, file);
  t.equal(title, 'Own');
  t.strictSame(Object.fromEntries(rules), {
    'x.a': { selected: true, role: 'unscored', severity: 'high' },
    'x.b': { selected: true, role: 'full', severity: 'high' },
    'yes.a': { selected: true, role: 'full', severity: 'low' },
  });
  t.strictSame(values, {
    ...DEFAULT_VALUES,
    allowedRegistries: ['c.example'],
    fips: 'required',
  });
});

t.test('a shipped profile can be extended', async (t) => {
  const file = join(
    t.testdir({ 'own.yaml': `${HEAD}extends: stig\nvalues: {fips: intent}\n` }),
    'own.yaml',
  );
  const { values } = await readProfile(file, checks);
  t.equal(values.fips, 'intent');
  t.ok(values.kernelArguments.includes('page_poison=1'));
});

const bad: readonly (readonly [string, string, RegExp])[] = [
  ['is empty', '', /p\.yaml: title: missing/],
  ['has no description', 'title: T\n', /p\.yaml:1:1: description: missing/],
  ['is a list', '- x\n', /expected a mapping, found a list/],
  ['is cut', 'title: "T', /p\.yaml:1:\d+: Missing closing/],
  ['is binary', 'title: \u0000\u0001\ufffd', /p\.yaml/],
  ['has two documents', `${HEAD}---\n${HEAD}`, /expected one YAML document/],
  ['says a key twice', `${HEAD}title: U\n`, /p\.yaml:3:1: Map keys must be unique/],
  [
    'misspells a key',
    `${HEAD}rule: {}\n`,
    /p\.yaml:3:\d+: rule: unknown key, did you mean "rules"/,
  ],
  [
    'misspells a rule',
    `${HEAD}rules:\n  yes.c: {role: full}\n`,
    /p\.yaml:4:\d+: rules\.yes\.c: no check or rule is called "yes\.c", did you mean "yes\.a"\?/,
  ],
  [
    'names a rule like no other',
    `${HEAD}rules:\n  firewall.on: {role: full}\n`,
    /no check or rule is called "firewall\.on", `nodeseal explain` lists them/,
  ],
  [
    'has a pattern that names nothing',
    `${HEAD}rules:\n  "z*": {role: full}\n`,
    /no check or rule is called "z\*"/,
  ],
  [
    'misspells what it says of a rule',
    `${HEAD}rules:\n  x.a: {rol: full}\n`,
    /p\.yaml:4:\d+: rules\.x\.a\.rol: unknown key, did you mean "role"/,
  ],
  [
    'has another role',
    `${HEAD}rules:\n  x.a: {role: info}\n`,
    /rules\.x\.a\.role: expected full or unscored or unchecked, found "info"/,
  ],
  [
    'has another severity',
    `${HEAD}rules:\n  x.a: {severity: grave}\n`,
    /severity: expected info or low or medium or high or critical, found "grave"/,
  ],
  ['selects with a word', `${HEAD}rules:\n  x.a: {selected: no}\n`, /selected: expected boolean/],
  ['has a rule without a mapping', `${HEAD}rules:\n  x.a:\n`, /rules\.x\.a: expected a mapping/],
  [
    'misspells a value',
    `${HEAD}values: {sysctl: {}}\n`,
    /values\.sysctl: unknown key, did you mean "sysctls"/,
  ],
  ['has a value of another type', `${HEAD}values: {allowedRegistries: a}\n`, /expected a list/],
  ['has a sysctl without a value', `${HEAD}values: {sysctls: {a: []}}\n`, /a: expected a value/],
  ['has half a sysctl', `${HEAD}values: {sysctls: {a: [0.5]}}\n`, /values\.sysctls\.a/],
  [
    'extends nothing known',
    `${HEAD}extends: stigg\n`,
    /extends: unknown profile "stigg", did you mean "stig"/,
  ],
  ['extends a file that is not there', `${HEAD}extends: ./q.yaml\n`, /q\.yaml: no such file/],
  [
    'extends itself',
    `${HEAD}extends: ./p.yaml\n`,
    /p\.yaml: extends: .*p\.yaml extends this profile/,
  ],
  ['is huge', `${HEAD}#${'x'.repeat(1_100_000)}\n`, /larger than 1048576 bytes/],
];
for (const [name, text, message] of bad) {
  t.test(`a profile that ${name} is refused`, async (t) => {
    const file = join(t.testdir({ 'p.yaml': text }), 'p.yaml');
    await t.rejects(readProfile(file, CHECKS), { name: 'ConfigError', message });
  });
}

t.test('a profile that is no file is refused', async (t) => {
  const folder = t.testdir({});
  mkdirSync(join(folder, 'folder'));
  symlinkSync('nowhere', join(folder, 'link'));
  writeFileSync(join(folder, 'loop-a'), `${HEAD}extends: ./loop-b\n`);
  writeFileSync(join(folder, 'loop-b'), `${HEAD}extends: ./loop-a\n`);
  for (const [name, message] of [
    ['folder', /is a folder, expected a file/],
    ['link', /no such file/],
    ['none', /no such file/],
    ['loop-a', /loop-b: extends: .*loop-a extends this profile/],
  ] as const) {
    await t.rejects(readProfile(join(folder, name), CHECKS), { name: 'ConfigError', message });
  }
  await t.rejects(readProfile('stigg', CHECKS), ConfigError, 'no name of a profile');
  await t.rejects(readProfile('', CHECKS), ConfigError);
});

t.test('an installation finds its profiles beside its package.json', async (t) => {
  // As README and Containerfile lay it out; dist is what a build gives.
  const folder = t.testdir({
    'package.json': readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'),
    dist: { shared: {}, agent: {} },
  });
  const script = `
    import { join } from 'node:path';
    const { PACKAGE_FOLDER } = await import(process.argv[1]);
    console.log(PACKAGE_FOLDER);`;
  const source = readFileSync(join(import.meta.dirname, '../../shared/version.ts'), 'utf8');
  writeFileSync(join(folder, 'dist/shared/version.ts'), source);
  const found = execFileSync(
    process.execPath,
    ['--input-type=module', '-e', script, join(folder, 'dist/shared/version.ts')],
    { encoding: 'utf8' },
  );
  t.equal(found.trim(), folder);
  const copied = readFileSync(join(import.meta.dirname, '../../Containerfile'), 'utf8');
  t.match(copied, /^COPY packaging\/profiles \/usr\/lib\/nodeseal\/packaging\/profiles$/m);
  const install = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
  t.match(install, /^cp -a --parents .* packaging\/profiles .*\/usr\/lib\/nodeseal\/$/m);
});
