/**
 * The known word a person most likely meant; undefined when none is near. Letter case, `-` and `_` do not count,
 * and about one letter in three may be wrong, missing, added or swapped with its neighbour.
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const asked = fold(word);
  let best: string | undefined;
  let least = Math.max(1, Math.floor(asked.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(asked, fold(candidate));
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

function fold(word: string): string {
  // What is longer was not mistyped, and the distance costs its square.
  return word.slice(0, 64).toLowerCase().replaceAll(/[-_]/g, '');
}

/** Optimal string alignment: insert, delete, replace, swap of neighbours cost 1 each. */
function editDistance(a: string, b: string): number {
  let twoAgo: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(replaced, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, (twoAgo[j - 2] ?? 0) + 1);
      }
      row.push(least);
    }
    [twoAgo, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
