import type { FastifyRequest } from 'fastify';
import { Refusal } from '../identity/credentials.ts';
import { isSame } from './sessions.ts';

export interface UploadedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What a form brought along. */
export interface Form {
  /** Of several with one name the first. */
  readonly fields: ReadonlyMap<string, string>;
  /** Files that were chosen, by the name of their field. */
  readonly files: ReadonlyMap<string, readonly UploadedFile[]>;
}

const MAX_PARTS = 512;

/** Throws `Refusal` 400 for what no browser sends. */
export async function readForm({ body, headers }: FastifyRequest): Promise<Form> {
  const fields = new Map<string, string>();
  const files = new Map<string, readonly UploadedFile[]>();
  for (const [name, value] of await partsOf(body, headers['content-type'] ?? '')) {
    if (typeof value === 'string') {
      if (!fields.has(name)) fields.set(name, value);
    } else if (value.name !== '') {
      const bytes = new Uint8Array(await value.arrayBuffer());
      files.set(name, [...(files.get(name) ?? []), { name: value.name, bytes }]);
    }
  }
  return { fields, files };
}

async function partsOf(body: unknown, type: string): Promise<(readonly [string, string | File])[]> {
  if (typeof body === 'string') return [...new URLSearchParams(body)].slice(0, MAX_PARTS);
  if (!Buffer.isBuffer(body)) return [];
  try {
    const data = await new Response(body, { headers: { 'content-type': type } }).formData();
    return [...data].slice(0, MAX_PARTS) as [string, string | File][];
  } catch {
    throw new Refusal(400, 'badRequest', 'the form cannot be read: expected multipart/form-data');
  }
}

/** Throws `Refusal` 403 unless the form was sent by a page of ours. */
export function assertOurs(
  { fields }: Form,
  headers: FastifyRequest['headers'],
  expected: string | undefined,
): void {
  const from = headers['sec-fetch-site'];
  const isFromHere = from === undefined || from === 'same-origin';
  if (isFromHere && expected !== undefined && isSame(fields.get('formToken'), expected)) return;
  const message = 'the form was not sent by this page: load it again and repeat';
  throw new Refusal(403, 'formToken', message);
}

/** A path with query on this server, or `/`: whoever makes a link must not send people elsewhere with it. */
export function localPath(text: string | null | undefined): string {
  if (!text || !/^\/(?![/\\])[\x21-\x7e]*$/.test(text) || text.includes('\\')) return '/';
  const url = URL.parse(text, 'http://local');
  return url?.origin === 'http://local' ? `${url.pathname}${url.search}` : '/';
}
