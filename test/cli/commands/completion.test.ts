import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runCli } from '../fake-io.ts';

for (const shell of ['bash', 'zsh', 'fish']) {
  t.test(`the script for ${shell}`, async (t) => {
    const file = join(import.meta.dirname, `../../../packaging/completion/nodeseal.${shell}`);
    const answer = await runCli(['completion', shell]);
    t.same(answer, { exit: 0, stdout: readFileSync(file, 'utf8'), stderr: '' });
  });
}

const wrong: readonly (readonly [string, RegExp])[] = [
  ['completion', /missing required argument 'SHELL'/],
  ['completion bsh', /next: did you mean 'bash'\?/],
  ['completion powershell', /next: known: bash, zsh, fish/],
  ['completion bash zsh', /too many arguments/],
];
for (const [words, said] of wrong) {
  t.test(`nodeseal ${words}`, async (t) => {
    const { exit, stdout, stderr } = await runCli(words.split(' '));
    t.equal(exit, 2);
    t.equal(stdout, '');
    t.match(stderr, said);
  });
}
