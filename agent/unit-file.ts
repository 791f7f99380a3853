/** One `name=value` of a unit file. */
export interface UnitAssignment {
  readonly section: string;
  readonly name: string;
  readonly value: string;
}

export interface UnitFile {
  readonly assignments: readonly UnitAssignment[];
  /** Why systemd stops reading here, and refuses the unit. */
  readonly problem?: string;
}

const BLANKS = /^[ \t\n\r]+|[ \t\n\r]+$/g;

/**
 * The assignments of a unit file, in order (systemd.syntax(7), as systemd's conf-parser reads it): a line that ends with a
 * backslash goes on in the next one, comments between the two count for nothing. What is no assignment is passed over.
 */
export function parseUnitFile(text: string): UnitFile {
  const assignments: UnitAssignment[] = [];
  let section = '';
  for (const line of joinedLines(text)) {
    if (line.startsWith('[')) {
      if (!line.endsWith(']')) return { assignments, problem: `invalid section header ${line}` };
      section = line.slice(1, -1);
      continue;
    }
    const end = line.indexOf('=');
    if (end <= 0 || section === '') continue;
    const name = trimmed(line.slice(0, end));
    assignments.push({ section, name, value: trimmed(line.slice(end + 1)) });
  }
  return { assignments };
}

function joinedLines(text: string): readonly string[] {
  const lines: string[] = [];
  let begun = '';
  for (const raw of text.replace(/^\ufeff/, '').split(/\r\n|\n\r|[\n\r\0]/)) {
    const line = raw.replace(/^[ \t]+/, '');
    if (/^[#;]/.test(line)) continue;
    const whole = begun + line;
    const isContinued = /(?<!\\)(?:\\\\)*\\$/.test(whole);
    begun = isContinued ? `${whole.slice(0, -1)} ` : '';
    if (!isContinued) lines.push(trimmed(whole));
  }
  return [...lines, trimmed(begun)].filter((line) => line !== '');
}

function trimmed(text: string): string {
  return text.replace(BLANKS, '');
}
