import type { Finding, Override } from './findings.ts';

/** What a failure that does not count is because of: `exception of alice until 2027-03-31 (change 4711)`. */
export function exceptionText({ authority, until, remark }: Override): string {
  return `exception of ${authority} until ${until} (${remark})`;
}

/** The message; where the result alone does not tell that a failure does not count, it says so first. */
export function findingText({
  message,
  reason,
  override,
}: Pick<Finding, 'message' | 'reason' | 'override'>): string {
  if (override !== undefined) return `${exceptionText(override)}: ${message}`;
  return reason === 'informational' ? `informational: ${message}` : message;
}

/** What the finding is about, unless its message names it; undefined for the node as a whole. */
export function unnamedSubject({
  subject,
  message,
}: Pick<Finding, 'subject' | 'message'>): string | undefined {
  return subject !== undefined && message.includes(subject) ? undefined : subject;
}

/** The same on one line with what it is about behind it: as a terminal and the page have it. */
export function findingLine(
  finding: Pick<Finding, 'message' | 'reason' | 'override' | 'subject'>,
): string {
  const subject = unnamedSubject(finding);
  const text = findingText(finding);
  return subject === undefined ? text : `${text} (${subject})`;
}
