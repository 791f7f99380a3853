import { Refusal } from '../identity/credentials.ts';
import { isSame } from './sessions.ts';

const MAX_FIELDS = 64;

/** The fields of `application/x-www-form-urlencoded`; of several with one name the first. */
export function readForm(body: unknown): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  if (typeof body !== 'string') return fields;
  for (const [name, value] of new URLSearchParams(body)) {
    if (!fields.has(name) && fields.size < MAX_FIELDS) fields.set(name, value);
  }
  return fields;
}

/** Throws `Refusal` 403 unless the form was sent by a page of ours. */
export function assertOurs(
  form: ReadonlyMap<string, string>,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  expected: string | undefined,
): void {
  const from = headers['sec-fetch-site'];
  const isFromHere = from === undefined || from === 'same-origin';
  if (isFromHere && expected !== undefined && isSame(form.get('formToken'), expected)) return;
  throw new Refusal(
    403,
    'formToken',
    'the form was not sent by this page: load it again and repeat',
  );
}

/** A path with query on this server, or `/`: whoever makes a link must not send people elsewhere with it. */
export function localPath(text: string | null | undefined): string {
  if (
    text === undefined ||
    text === null ||
    !/^\/(?![/\\])[\x21-\x7e]*$/.test(text) ||
    text.includes('\\')
  )
    return '/';
  const url = URL.parse(text, 'http://local');
  return url?.origin === 'http://local' ? `${url.pathname}${url.search}` : '/';
}
