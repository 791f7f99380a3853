import { nearest } from '../shared/nearest.ts';
import { usageError } from './errors.ts';
import { type Resource, type ResourceType, TYPES } from './resource.ts';

/** Does something with the resource of a type, whatever its items are. Only the one that is meant is loaded. */
export async function withResource<Answer>(
  type: ResourceType,
  use: <Item>(resource: Resource<Item>) => Promise<Answer>,
): Promise<Answer> {
  switch (type) {
    case 'nodes':
      return await use((await import('./resources/nodes.ts')).NODES);
    case 'findings':
      return await use((await import('./resources/findings.ts')).FINDINGS);
    case 'images':
      return await use((await import('./resources/images.ts')).IMAGES);
    case 'events':
      return await use((await import('./resources/events.ts')).EVENTS);
    case 'drift':
      return await use((await import('./resources/drift.ts')).DRIFT);
    case 'checks':
      return await use((await import('./resources/checks.ts')).CHECKS);
    case 'policies':
      return await use((await import('./resources/policies.ts')).POLICIES);
  }
}

function singularOf(type: ResourceType): string {
  return type === 'policies' ? 'policy' : type.replace(/s$/, '');
}

/** The type of a word, in plural or singular. */
export function readType(word: string): ResourceType {
  const found = TYPES.find((type) => type === word || singularOf(type) === word);
  if (found !== undefined) return found;
  const close = nearest(word, [...TYPES, ...TYPES.map(singularOf)]);
  throw usageError(`there is no type '${word}'`, {
    next: close === undefined ? `known: ${TYPES.join(', ')}` : `did you mean '${close}'?`,
  });
}

/** `TYPE`, `TYPE NAME…` or `TYPE/NAME…`: all of one type. */
export function readTypeAndNames(words: readonly string[]): {
  readonly type: ResourceType;
  readonly names: readonly string[];
} {
  const [first = '', ...rest] = words;
  const slash = first.indexOf('/');
  const type = readType(slash === -1 ? first : first.slice(0, slash));
  const names = slash === -1 ? rest : words;
  return { type, names: names.map((name) => withoutType(name, type)) };
}

function withoutType(name: string, type: ResourceType): string {
  const slash = name.indexOf('/');
  const before = name.slice(0, Math.max(slash, 0));
  return before === type || before === singularOf(type) ? name.slice(slash + 1) : name;
}
