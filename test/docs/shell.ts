/** One simple command of a script. */
export interface SimpleCommand {
  readonly words: readonly string[];
  /** What a here-document gives it. */
  readonly input?: string;
  /** Where its output goes, when it goes to a file. */
  readonly output?: string;
}

const HERE = /<<'?(\w+)'?$/;
const WORD = /'([^']*)'|"([^"]*)"|([<>]|&&|\|\||[|;&])|((?:\\.|[^\s'"<>|;&])+)/g;
const SEPARATORS = new Set(['&&', '||', '|', ';', '&']);

/** Reads the little of sh(1) that the documentation uses: quotes, continued lines, lists, redirections, here-documents. */
export function readScript(text: string): readonly SimpleCommand[] {
  const commands: SimpleCommand[] = [];
  const lines = text.replaceAll('\\\n', ' ').split('\n');
  for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
    const end = HERE.exec(line.trim())?.[1];
    const input = end === undefined ? undefined : lines.splice(0, lines.indexOf(end)).join('\n');
    if (end !== undefined) lines.shift();
    const source = line
      .replace(HERE, '')
      .replace(/(^|\s)#.*$/, '')
      .trim();
    if (source !== '') commands.push(...readLine(source, input));
  }
  return commands;
}

function readLine(source: string, input: string | undefined): readonly SimpleCommand[] {
  const commands: SimpleCommand[] = [];
  let words: string[] = [];
  let output: string | undefined;
  const finish = (): void => {
    if (words.length > 0) {
      commands.push({
        words,
        ...(input === undefined ? {} : { input }),
        ...(output === undefined ? {} : { output }),
      });
    }
    words = [];
    output = undefined;
  };
  const tokens = [...source.matchAll(WORD)];
  for (let at = 0; at < tokens.length; at++) {
    const [, single, double, operator, plain] = tokens[at] ?? [];
    if (operator === '<' || operator === '>') {
      const [, a, b, , c] = tokens[++at] ?? [];
      if (operator === '>') output = a ?? b ?? c;
    } else if (operator !== undefined && SEPARATORS.has(operator)) finish();
    else words.push(single ?? double ?? plain ?? '');
  }
  finish();
  return commands;
}

const PREFIXES = new Set(['sudo', 'kubectl', 'oc']);

/** The words from one of our programs on; undefined where it is another's command. */
export function oursIn(words: readonly string[]): readonly string[] | undefined {
  const rest = words.slice(words.findIndex((word) => !PREFIXES.has(word)));
  return /^nodeseal(-agent|-aggregator)?$/.test(rest[0] ?? '') ? rest : undefined;
}
