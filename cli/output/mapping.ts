import type { Mapping } from '../../shared/findings.ts';

/** `STIG CNTR-OS-000540`, with `~` before what is our own judgement. */
export function mappingText({ framework, id, basis }: Mapping): string {
  return `${basis === 'derived' ? '~' : ''}${framework} ${id}`;
}
