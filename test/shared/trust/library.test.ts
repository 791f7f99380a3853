import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

/** A project that has nodeseal installed: what `npm run build` makes, found by its package name. */
const repository = join(import.meta.dirname, '../../..');
const project = t.testdir({ 'package.json': '{"type": "module"}', node_modules: { nodeseal: {} } });
const installed = join(project, 'node_modules/nodeseal');
const compiler = join(repository, 'node_modules/typescript/bin/tsc');
cpSync(join(repository, 'package.json'), join(installed, 'package.json'));
cpSync(join(repository, 'test/fixtures/trust'), project, { recursive: true });
const outDir = join(installed, 'dist');
const build = ['-p', join(repository, 'tsconfig.build.json'), '--noCheck', '--outDir', outDir];
run(compiler, ...build, '--tsBuildInfoFile', join(project, '.tsbuildinfo'));

/** Standard output of a program of Node in the project, started as a user would: without this runner's loaders. */
function run(...words: readonly string[]): string {
  const plain = ['-u', 'NODE_OPTIONS', process.execPath];
  return execFileSync('env', [...plain, ...words], { cwd: project, encoding: 'utf8' });
}

/** Notes what a program resolves, whoever asks for it, and lets it through. */
writeFileSync(
  join(project, 'note-imports.mjs'),
  `import { registerHooks } from 'node:module';
export const imports = new Set();
registerHooks({ resolve(specifier, context, next) {
  imports.add(specifier.replace(/^node:/, ''));
  return next(specifier, context);
} });`,
);

/** What was imported by the end of a program that uses the library. */
function importsOf(program: string): readonly string[] {
  const start = `const { imports } = await import('./note-imports.mjs');
const trust = await import('nodeseal/trust');
const policy = (type) => trust.parsePolicy(JSON.stringify({ default: [type] }));
const image = (...signatures) => ({ transport: 'docker', policyReference: 'quay.io/a/b:1',
  manifest: Buffer.from('{}'), signatures });
`;
  const end = '\nconsole.log(JSON.stringify([...imports]));';
  writeFileSync(join(project, 'program.mjs'), start + program + end);
  return JSON.parse(run('program.mjs'));
}

const OPENS_NOTHING = /^(?:fs|net|tls|http|https|http2|dgram|child_process)(?:\/|$)/;
const asksForRsa = `policy({ type: 'signedBy', keyType: 'GPGKeys', keyPath: 'rsa' })`;
const programs = [
  ['reads a policy', `policy({ type: 'reject' });`, false],
  [
    'judges an image that needs no signature',
    `await trust.evaluateImage(image(Buffer.from([0xff])), policy({ type: 'insecureAcceptAnything' }), {});`,
    false,
  ],
  [
    'refuses an image that has no signature',
    `await trust.evaluateImage(image(), ${asksForRsa}, { nowMs: 0, readFile: async () => new Uint8Array() });`,
    false,
  ],
  [
    'holds a signature against a key',
    `const fs = process.getBuiltinModule('node:fs');
await trust.evaluateImage(image(fs.readFileSync('signatures/rsa-zip.sig')), ${asksForRsa},
  { nowMs: Date.now(), readFile: async () => fs.readFileSync('keys/rsa.asc') });`,
    false,
  ],
  [
    'has a key whose own signature does not verify',
    `const fs = process.getBuiltinModule('node:fs');
const key = fs.readFileSync('keys/rsa.pgp');
key[key.length - 1] ^= 1;
await trust.evaluateImage(image(fs.readFileSync('signatures/rsa-zip.sig')), ${asksForRsa},
  { nowMs: Date.now(), readFile: async () => key });`,
    true,
  ],
] as const;

for (const [what, program, isOpenpgpLoaded] of programs) {
  t.test(`a program that ${what} loads ${isOpenpgpLoaded ? '' : 'no '}openpgp`, async (t) => {
    const imports = importsOf(program);
    t.ok(imports.includes('nodeseal/trust'), 'imports are noted');
    t.equal(imports.includes('openpgp'), isOpenpgpLoaded);
    if (isOpenpgpLoaded) return;
    t.strictSame(
      imports.filter((specifier) => OPENS_NOTHING.test(specifier)),
      [],
      'nor files or sockets',
    );
  });
}

const page = readFileSync(join(repository, 'docs/trust-library.md'), 'utf8');
const [, example = '', output = ''] = /```ts\n(.*?)```.*?```text\n(.*?)```/s.exec(page) ?? [];
writeFileSync(join(project, 'example.ts'), example);

t.test('the example of the documentation prints what it says', async (t) => {
  t.match(example, /from 'nodeseal\/trust'/);
  t.equal(run('example.ts'), output);
});

t.test('the example is well typed under the strictest options', async (t) => {
  const options = ['--ignoreConfig', '--noEmit', '--strict', '--module', 'nodenext'];
  const target = ['--target', 'esnext', '--types', 'node'];
  t.equal(run(compiler, ...options, ...target, 'example.ts'), '');
});

t.test('nothing but the library can be imported by the name of the package', async (t) => {
  for (const path of ['nodeseal', 'nodeseal/dist/agent/main.js', 'nodeseal/trust/policy.js']) {
    const program = `import('${path}').catch(({ code }) => console.log(code))`;
    t.match(run('--input-type=module', '-e', program), 'ERR_PACKAGE_PATH_NOT_EXPORTED', path);
  }
});
