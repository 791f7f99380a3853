import type { Problem } from '../../../shared/api.ts';
import { html } from '../html.ts';
import type { View } from '../page.ts';
import { notAllowed } from '../table.ts';

/** What went wrong, as a page: the sentence of the API's problem details. */
export function problemView({ status, title, detail, code }: Problem): View {
  return {
    title,
    main: html`${code === 'forbidden' && notAllowed(/the role (\w+)/.exec(detail ?? '')?.[1] ?? 'of another person')}
<p class="problem" role="alert">${status} ${title}${detail !== undefined && `: ${detail}`}</p>
<p><a href="/">Go to the overview</a></p>`,
  };
}
