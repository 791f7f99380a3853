import { html } from '../html.ts';
import type { View } from '../page.ts';

export interface SignInOptions {
  /** Where to go then: path and query of ours. */
  readonly next: string;
  /** Proves that the form is ours, together with a cookie. */
  readonly formToken: string;
  /** Why the last attempt failed. */
  readonly problem?: string;
}

export function signIn({ next, formToken, problem }: SignInOptions): View {
  return {
    title: 'Sign in',
    main: html`<form class="sign-in" method="post" action="/sign-in">
${problem !== undefined && html`<p class="problem" role="alert">${problem}</p>`}
<input type="hidden" name="formToken" value="${formToken}">
<input type="hidden" name="next" value="${next}">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="off" required maxlength="8192" spellcheck="false" aria-describedby="about-token"${problem !== undefined && html` aria-invalid="true"`}>
<p id="about-token">The same bearer token as for the API and the command line. The first start of the aggregator made one for
the administrator, <code>tokens/admin.token</code> in its state directory; <code>nodeseal token create user NAME --role viewer</code> makes others.</p>
<button>Sign in</button>
</form>`,
  };
}
