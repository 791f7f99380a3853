/** The part of the path that a route calls `:name`; empty for a route without. */
export function nameOf(params: unknown): string {
  const isNamed = typeof params === 'object' && params !== null && 'name' in params;
  return isNamed && typeof params.name === 'string' ? params.name : '';
}
