/** A SELinux label, `user:role:type:level`. */
export interface SelinuxLabel {
  readonly type: string;
  /** As written: `s0`, `s0:c1,c2`, `s0-s0:c0.c1023`. */
  readonly level: string;
  /**
   * Numbers of the categories of the higher end of the level, ascending: the same for `s0:c5,c3` and `s0:c3,c5`.
   * Undefined for what is no level of categories.
   */
  readonly categories: readonly number[] | undefined;
}

/** Categories there are in every policy of RHEL. */
export const CATEGORY_COUNT: number = 1024;
/** The kernel gives a label in one page. */
const MAX_LEVEL_LENGTH = 4096;

/** Reads a label; undefined for a text that is none, such as `kernel`. Only the first three colons divide it. */
export function parseLabel(text: string): SelinuxLabel | undefined {
  const [, type, level = ''] = /^[^:]+:[^:]+:([^:]+)(?::(.+))?$/.exec(text) ?? [];
  if (type === undefined) return undefined;
  return { type, level, categories: categoriesOf(level) };
}

function categoriesOf(level: string): readonly number[] | undefined {
  if (level.length > MAX_LEVEL_LENGTH) return undefined;
  const high = level.split('-').at(-1) ?? '';
  const [, set] = /^s\d+(?::(.+))?$/.exec(high) ?? [];
  if (!/^s\d+/.test(high)) return undefined;
  if (set === undefined) return high.includes(':') ? undefined : [];
  const numbers = new Set<number>();
  for (const part of set.split(',')) {
    const [, from, to = from] = /^c(\d{1,4})(?:\.c(\d{1,4}))?$/.exec(part) ?? [];
    if (from === undefined || Number(to) >= CATEGORY_COUNT) return undefined;
    for (let category = Number(from); category <= Number(to); category++) numbers.add(category);
  }
  return [...numbers].sort((a, b) => a - b);
}
