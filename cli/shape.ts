/** What a member of an object has to be; `?` may be missing or null. */
export type Kind = 'text' | 'number' | 'boolean' | 'list' | 'object';
export type Shape = Readonly<Record<string, Kind | `${Kind}?`>>;

/** The first member of `value` that is not as `shape` says, in words; undefined when all are. Others are let through. */
export function misfit(value: unknown, shape: Shape, place: string): string | undefined {
  if (!isObject(value)) return `${place}: expected an object, found ${nameOf(value)}`;
  for (const [name, wanted] of Object.entries(shape)) {
    const kind = wanted.replace('?', '');
    const member = value[name];
    if (wanted.endsWith('?') && (member === undefined || member === null)) continue;
    const found = nameOf(member);
    if (found !== kind) return `${place}.${name}: expected ${kind}, found ${found}`;
  }
  return undefined;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nameOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  return typeof value === 'string' ? 'text' : typeof value;
}
