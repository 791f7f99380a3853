import type { IncomingMessage } from 'node:http';
import { open, readBody, toJson } from '../outgoing.ts';
import type { ExpectedNode } from './expected.ts';
import { type NodeChange, readNodeChange, readNodePage } from './node-object.ts';

/** An API server and our credential for it. */
export interface NodesApi {
  /** `https://…`. */
  readonly url: string;
  readonly caFile: string;
  readonly tokenFile: string;
  /** Pool of the nodes. */
  readonly pool: string;
}

const PAGE_NODES = 250;
/** 25,000 nodes: five times the largest cluster that Kubernetes is made for. */
const MAX_PAGES = 100;
/** A Node with its images and conditions is 10 to 60 KiB. */
const MAX_PAGE_BYTES = 64 * 1024 * 1024;
const MAX_LINE_BYTES = 4 * 1024 * 1024;
const MAX_STATUS_BYTES = 64 * 1024;
const PAGE_TIMEOUT_MS = 30_000;
/** The server ends a watch after so long; we do, a little later, when it does not. */
const WATCH_SECONDS = 300;
const WATCH_TIMEOUT_MS = (WATCH_SECONDS + 30) * 1000;
/** The agents' DaemonSet asks for it: other nodes will never report. */
const LABELS = 'kubernetes.io/os=linux';

export interface ListedNodes {
  /** From where changes can be watched. */
  readonly resourceVersion: string;
  readonly nodes: readonly ExpectedNode[];
}

/** All Linux nodes of the cluster, page by page. Rejects when any page cannot be had: half a list is none. */
export async function listNodes(api: NodesApi, stop: AbortSignal): Promise<ListedNodes> {
  const nodes: ExpectedNode[] = [];
  let next: string | undefined;
  for (let count = 0; count < MAX_PAGES; count++) {
    const query = { limit: String(PAGE_NODES), ...(next === undefined ? {} : { continue: next }) };
    const answer = await ask(
      api,
      query,
      AbortSignal.any([stop, AbortSignal.timeout(PAGE_TIMEOUT_MS)]),
    );
    const page = readNodePage(toJson(await readBody(answer, MAX_PAGE_BYTES)), api.pool);
    nodes.push(...page.nodes);
    next = page.next;
    if (next === undefined) return { resourceVersion: page.resourceVersion, nodes };
  }
  throw new Error(`more than ${MAX_PAGES * PAGE_NODES} nodes`);
}

/**
 * Changes since a resource version, those that arrive together at once; an empty one first, when the server has agreed.
 * Ends when the server ends the watch, which it does after some minutes.
 */
export async function* watchNodes(
  api: NodesApi,
  resourceVersion: string,
  stop: AbortSignal,
): AsyncGenerator<readonly NodeChange[], void, void> {
  const query = {
    watch: '1',
    allowWatchBookmarks: 'true',
    timeoutSeconds: String(WATCH_SECONDS),
    resourceVersion,
  };
  const answer = await ask(
    api,
    query,
    AbortSignal.any([stop, AbortSignal.timeout(WATCH_TIMEOUT_MS)]),
  );
  yield [];
  answer.setEncoding('utf8');
  let rest = '';
  for await (const chunk of answer) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE_BYTES)
      throw new Error(`a watch event of more than ${MAX_LINE_BYTES} bytes`);
    const said = lines.filter((line) => line.trim() !== '');
    if (said.length > 0) yield said.map((line) => readNodeChange(line, api.pool));
  }
}

async function ask(
  { url, caFile, tokenFile }: NodesApi,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const address = new URL('/api/v1/nodes', url);
  address.search = new URLSearchParams({ labelSelector: LABELS, ...query }).toString();
  const headers = { accept: 'application/json' };
  const answer = await open({ url: address, headers, caFile, tokenFile, signal });
  if (answer.statusCode === 200) return answer;
  const text = await readBody(answer, MAX_STATUS_BYTES).catch(() => '');
  throw new Error(`expected status 200, found ${answer.statusCode}${messageIn(text)}`);
}

/** What a Status of the API says, as `nodes is forbidden: User "…" cannot list resource "nodes"`. */
function messageIn(text: string): string {
  try {
    const status: unknown = JSON.parse(text);
    const isStatus = typeof status === 'object' && status !== null && 'message' in status;
    return isStatus ? `: ${String(status.message).slice(0, 300)}` : '';
  } catch {
    return '';
  }
}
