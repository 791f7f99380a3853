import { compareMeanings, type Difference } from '../changes/compare-meanings.ts';
import { meaningOf } from '../changes/meaning.ts';
import { type Statement, whereReadable } from '../check.ts';
import type { DesiredFile } from '../desired/desired.ts';
import type { Host } from '../host.ts';

/** The same statement with what it means that the content is another, where both contents are known and can be read. */
export async function withMeaning(
  host: Host,
  path: string,
  want: DesiredFile | undefined,
  statement: Statement,
): Promise<Statement> {
  if (statement.reason !== 'content' || want?.bytes === undefined) return statement;
  const bytes = await whereReadable(host.readBytes(path));
  const [old, now] = [meaningOf(path, want.bytes, false), bytes && meaningOf(path, bytes, false)];
  if (old === undefined || now === undefined) return statement;
  const words = wordsOf(compareMeanings(old, now));
  if (words === undefined) return statement;
  return {
    ...statement,
    message: `${statement.message}; ${words}`,
    observed: { ...statement.observed, differing: words },
  };
}

/** Names of settings and keys; never a value, which may be a secret. */
function wordsOf(difference: Difference | undefined): string | undefined {
  if (difference === undefined || difference.kind === 'policy') return undefined;
  const { added, removed } = difference;
  const parts: readonly (readonly [what: string, names: readonly string[]])[] = [
    ['added', added],
    ['removed', removed],
    ['changed', difference.kind === 'settings' ? difference.changed : []],
  ];
  const words = parts
    .filter(([, names]) => names.length > 0)
    .map(([what, names]) => `${what} ${names.join(', ')}`);
  const isKeys = difference.kind === 'keys';
  if (words.length === 0) return isKeys ? 'no key differs' : 'no setting differs';
  return `${isKeys ? 'keys' : 'settings'}: ${words.join('; ')}`;
}
