/** How a server wants to be asked: RFC 9110 §11.6.1. */
export interface Challenge {
  /** Lower case. */
  readonly scheme: string;
  /** By name in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = "[\\w!#$%&'*+.^`|~-]+";
const PARAMETER = new RegExp(`^(${TOKEN})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))`, 's');
const SCHEME = new RegExp(`^(${TOKEN})(?=[\\s,]|$)`);

/** The challenges of `WWW-Authenticate`, in order; what cannot be read ends the list. */
export function parseChallenges(
  header: string | readonly string[] | undefined,
): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let rest = [header ?? []].flat().join(', ');
  for (;;) {
    rest = rest.replace(/^[\s,]+/, '');
    const [whole, name = '', quoted, plain = ''] = PARAMETER.exec(rest) ?? [];
    const current = challenges.at(-1);
    if (whole !== undefined && current !== undefined) {
      current.parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/gs, '$1') ?? plain);
      rest = rest.slice(whole.length);
      continue;
    }
    const [start, scheme = ''] = SCHEME.exec(rest) ?? [];
    if (start === undefined) return challenges;
    challenges.push({ scheme: scheme.toLowerCase(), parameters: new Map() });
    rest = rest.slice(start.length);
  }
}
