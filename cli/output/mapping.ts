import type { Mapping } from '../../shared/findings.ts';

/** All of them for people, with what the sign means where there is one; `-` when there is none. */
export function mappingsText(mappings: readonly Mapping[]): string {
  const isJudged = mappings.some(({ basis }) => basis === 'derived');
  return `${mappings.map(mappingText).join(', ') || '-'}${isJudged ? ' (~ is our judgement)' : ''}`;
}

/** `STIG CNTR-OS-000540`, with `~` before what is our own judgement. */
export function mappingText({ framework, id, basis }: Mapping): string {
  return `${basis === 'derived' ? '~' : ''}${framework} ${id}`;
}
