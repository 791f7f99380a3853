import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { NODE_STATES } from '../../shared/api.ts';
import { EXPORT_FORMATS } from '../../shared/exports/index.ts';
import type { ExportFormat } from '../../shared/exports/source.ts';
import { type ExportChoice, openExport } from '../exports/source.ts';
import { Refusal } from '../identity/credentials.ts';
import type { Query } from './query.ts';
import type { Route } from './route.ts';

/** Written at once: small pieces would be a packet each. */
const CHUNK_CHARACTERS = 65_536;

/** One route a format; the answer is written while it is read, and never held whole. */
export const exportRoutes: readonly Route[] = EXPORT_FORMATS.map(routeOf);

function routeOf(format: ExportFormat): Route {
  return {
    method: 'GET',
    path: `/v1/exports/${format.id}`,
    role: 'viewer',
    summary: `The ${format.about} of all nodes, or of some, as ${format.title}`,
    query: ['node', 'pool', 'state', 'asOf', 'link'],
    produces: format.mediaType,
    async handle({ query, takeOver }, context) {
      const section = format.about === 'findings' ? 'checks' : 'images';
      const source = await openExport(context, section, readChoice(query));
      const chunks = inChunks(format.write(source));
      // What fails before anything was sent is still told as a problem.
      const first = await chunks.next();
      const { response } = takeOver();
      response.writeHead(200, {
        'content-type': format.mediaType,
        'content-disposition': `attachment; filename="nodeseal-${format.id}.${format.extension}"`,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      });
      try {
        await pipeline(Readable.from(withFirst(first, chunks)), response);
      } catch (error) {
        // Who asked went away.
        if (!isPremature(error)) throw error;
      }
      return undefined;
    },
  };
}

function readChoice(query: Query): ExportChoice {
  const asOfMs = query.time('asOf');
  const states = query.words('state', NODE_STATES);
  if (asOfMs !== undefined && states !== undefined) {
    throw bad('state: in which state nodes were at a former time is not kept');
  }
  const list = (name: string): readonly string[] | undefined => query.text(name)?.split(',');
  return { nodes: list('node'), pools: list('pool'), states, asOfMs, link: readLink(query) };
}

/** Where the caller reaches this aggregator, so that what it takes away can lead back here. */
function readLink(query: Query): string {
  const text = query.text('link');
  if (text === undefined) return '';
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain =
    url?.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (!isPlain || !['http:', 'https:'].includes(url.protocol)) {
    throw bad('link: expected the address of this aggregator, as https://host:port');
  }
  return url.href.replace(/\/$/, '');
}

function bad(what: string): Refusal {
  return new Refusal(400, 'badParameter', `query parameter ${what}`);
}

async function* inChunks(pieces: AsyncIterable<string>): AsyncGenerator<string, void, void> {
  let chunk = '';
  for await (const piece of pieces) {
    chunk += piece;
    if (chunk.length < CHUNK_CHARACTERS) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

async function* withFirst(
  first: IteratorResult<string, void>,
  rest: AsyncIterable<string>,
): AsyncGenerator<string, void, void> {
  if (first.done !== true) yield first.value;
  yield* rest;
}

function isPremature(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
