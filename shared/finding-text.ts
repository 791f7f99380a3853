import type { Override } from './findings.ts';

/*
 * A finding in words: the same on a terminal, on the page and in exports. Texts of nodes stand as they came; whoever
 * shows them makes them safe.
 */

interface Said {
  readonly message: string;
  readonly reason?: string | undefined;
  readonly override?: Override | undefined;
}

/** The message; the subject behind it, unless the message names it. */
export function findingText(finding: Said & { readonly subject?: string }): string {
  const { message, subject } = finding;
  const text = messageText(finding);
  return subject === undefined || message.includes(subject) ? text : `${text} (${subject})`;
}

/** A failure that does not count says so before what was seen: its result alone would not tell. */
export function messageText({ message, reason, override }: Said): string {
  if (override !== undefined) return `${overrideText(override)}: ${message}`;
  return reason === 'informational' ? `informational: ${message}` : message;
}

/** `exception of alice until 2027-03-31 (change 4711)` */
export function overrideText({ authority, until, remark }: Override): string {
  return `exception of ${authority} until ${until} (${remark})`;
}
