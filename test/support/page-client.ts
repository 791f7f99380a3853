import { readCookies } from '../../aggregator/web/cookies.ts';

export interface PageAnswer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

/** A browser without its window: cookies, forms, redirects that are looked at. */
export class PageClient {
  readonly #url: string;
  readonly cookies: Map<string, string> = new Map();

  constructor(url: string) {
    this.#url = url;
  }

  /** Signed in with a bearer token. */
  static async signIn(url: string, token: string): Promise<PageClient> {
    const client = new PageClient(url);
    const { status, text } = await client.submit('/sign-in', '/sign-in', { token });
    if (status !== 303) throw new Error(`not signed in: ${status} ${text}`);
    return client;
  }

  async get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<PageAnswer> {
    return await this.#fetch(path, { headers: { accept: 'text/html', ...headers } });
  }

  /** Sends the form of a page as a browser does, with the fields that are hidden in it. */
  async submit(
    page: string,
    action: string,
    fields: Readonly<Record<string, string>>,
  ): Promise<PageAnswer> {
    const { text } = await this.get(page);
    const [form] = text.split(`action="${action}"`)[1]?.split('</form>') ?? [];
    if (form === undefined) throw new Error(`no form for ${action} on ${page}: ${text}`);
    const hidden = form.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g);
    const given = Object.fromEntries([...hidden].map(([, name, value]) => [name, value]));
    return await this.post(action, { ...given, ...fields });
  }

  async post(
    path: string,
    fields: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<PageAnswer> {
    const body = new URLSearchParams(fields);
    return await this.#fetch(path, { method: 'POST', body, headers });
  }

  async #fetch(path: string, options: RequestInit): Promise<PageAnswer> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(`${this.#url}${path}`, {
      ...options,
      redirect: 'manual',
      headers: { ...(options.headers as Record<string, string>), cookie },
    });
    for (const line of response.headers.getSetCookie()) {
      for (const [name, value] of readCookies(line.split(';')[0])) {
        if (value === '') this.cookies.delete(name);
        else this.cookies.set(name, value);
      }
    }
    return { status: response.status, text: await response.text(), headers: response.headers };
  }
}
