/** `{ [name]: value }`, or `{}` when there is no value: to spread only what is there. */
export function present<Name extends string, T>(
  name: Name,
  value: T | undefined,
): { readonly [N in Name]?: T } {
  // a computed name makes TypeScript forget which one it is
  return (value === undefined ? {} : { [name]: value }) as { readonly [N in Name]?: T };
}
