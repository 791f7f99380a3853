/**
 * Orders versions of releases, the older first: numbers as numbers, and 4.17.0-rc.1 before 4.17.0, as SemVer has it. An
 * Intl.Collator would do most of it, and keep 3 MiB of the world's alphabets resident.
 */
export function compareVersions(a: string, b: string): number {
  const [coreA, previewA] = split(a);
  const [coreB, previewB] = split(b);
  return compareParts(coreA, coreB) || comparePreviews(previewA, previewB);
}

function split(version: string): readonly [string, string | undefined] {
  const [plain = ''] = version.split('+', 1);
  const dash = plain.indexOf('-');
  return dash < 0 ? [plain, undefined] : [plain.slice(0, dash), plain.slice(dash + 1)];
}

function comparePreviews(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return compareParts(a, b);
}

function compareParts(a: string, b: string): number {
  const partsA = a.split(/[._-]/);
  const partsB = b.split(/[._-]/);
  for (const [index, part] of partsA.entries()) {
    const other = partsB[index];
    if (other === undefined) return 1;
    const order = comparePart(part, other);
    if (order !== 0) return order;
  }
  return partsA.length - partsB.length;
}

const DIGITS = /^\d+$/;

/** A number is older than a word. */
function comparePart(a: string, b: string): number {
  const areNumbers = [DIGITS.test(a), DIGITS.test(b)] as const;
  if (areNumbers[0] && areNumbers[1]) return Number(BigInt(a) - BigInt(b));
  return Number(areNumbers[1]) - Number(areNumbers[0]) || (a < b ? -1 : Number(a > b));
}
