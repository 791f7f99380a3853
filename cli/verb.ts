import type { CommandEntry } from './command.ts';
import { COMMANDS } from './commands/index.ts';
import { LEADING_VALUE_FLAGS } from './options.ts';

/** Two words for a group (`policy validate`), else one; none when there are only flags. */
export function verbIn(words: readonly string[]): readonly string[] {
  const plain = plainWords(words);
  return plain[0] !== undefined && membersOf(plain[0]).length > 0 ? plain : plain.slice(0, 1);
}

/** The first two words that are neither flags nor the value of one. */
export function plainWords(words: readonly string[]): readonly string[] {
  const plain: string[] = [];
  for (let at = 0; at < words.length && plain.length < 2; at++) {
    const word = words[at] ?? '';
    if (word === '--') break;
    if (LEADING_VALUE_FLAGS.has(word)) at++;
    else if (!word.startsWith('-')) plain.push(word);
  }
  return plain;
}

/** The command that exactly these words name. */
export function commandOf(verb: readonly string[]): CommandEntry | undefined {
  return COMMANDS.find(({ path }) => path.join(' ') === verb.join(' '));
}

/** The commands of two words that begin with this one. */
export function membersOf(group: string): readonly CommandEntry[] {
  return COMMANDS.filter(({ path }) => path.length === 2 && path[0] === group);
}

/** The words but for the first occurrence of each word of the verb. */
export function without(words: readonly string[], verb: readonly string[]): readonly string[] {
  const rest = [...words];
  for (const word of verb) rest.splice(rest.indexOf(word), 1);
  return rest;
}
