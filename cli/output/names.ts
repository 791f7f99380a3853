/** The first names of a list, and how many more there are, `a, b, and 7 more`; `-o json` has them all. */
export function namesText(names: readonly string[], most: number = 5): string {
  const more = names.length > most ? `, and ${names.length - most} more` : '';
  return names.slice(0, most).join(', ') + more;
}
