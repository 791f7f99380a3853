/**
 * The Overview of a large fleet: how long its answer takes, beside a bare HTTP server that sends the same bytes, and how
 * long Chromium takes until something is painted. Prints medians in milliseconds and ratios within one run.
 *
 *   node bench/page.ts [--nodes 5000] [--rules 120] [--failing 0.05] [--requests 100] [--loads 11]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { launchChromium, withoutChromium } from '../test/support/chromium.ts';
import { PageClient } from '../test/support/page-client.ts';
import { counted, median, round, tell } from './figure.ts';
import { fill } from './filled-store.ts';
import { SERVER, type Target } from './serving-fleet.ts';

/** Told once, whether it was before or is to come; the page's own policy lets nobody look again and again. */
const FIRST_PAINT = `new Promise((resolve) => {
  new PerformanceObserver((list) => {
    for (const paint of list.getEntriesByName('first-contentful-paint')) resolve(paint.startTime);
  }).observe({ type: 'paint', buffered: true });
})`;

async function measure(): Promise<void> {
  const { values } = parseArgs({
    options: {
      nodes: { type: 'string', default: '5000' },
      rules: { type: 'string', default: '120' },
      failing: { type: 'string', default: '0.05' },
      requests: { type: 'string', default: '100' },
      loads: { type: 'string', default: '11' },
    },
  });
  const [requests, loads] = [Number(values.requests), Number(values.loads)];
  const stateDir = await mkdtemp(join(tmpdir(), 'nodeseal-bench-'));
  await fill(stateDir, Number(values.nodes), Number(values.rules), Number(values.failing));
  const server = fork(SERVER, [stateDir]);
  const [{ url, admin }] = (await once(server, 'message')) as [Target];
  const client = await PageClient.signIn(url, admin);
  const first = await times(1, async () => void (await client.get('/')));
  // As it is made anew once a second while much changes: longer apart than the answer is kept.
  const anew = await times(5, async () => void (await client.get('/')), 5100);
  const kept = await times(requests, async () => void (await client.get('/')));
  const { text } = await client.get('/');
  await using bareServer = await bare(text);
  const plain = new PageClient(bareServer.url);
  const bareTimes = await times(requests, async () => void (await plain.get('/')));
  const paint =
    withoutChromium === false ? await paints(url, admin, bareServer.url, loads) : withoutChromium;
  server.send('stop');
  await once(server, 'exit');
  await rm(stateDir, { recursive: true });
  const ratio = Number((median(kept) / median(bareTimes)).toFixed(1));
  const at = counted(Number(values.nodes), 'nodes');
  const answered = (id: string, times: readonly number[]): void => {
    const [ours, bare] = [median(times), median(bareTimes)];
    tell({ id, at, ours, bare, ratio: ours / bare });
  };
  answered('page.kept', kept);
  answered('page.anew', anew);
  answered('page.first', first);
  if (typeof paint === 'object') {
    const { page: ours, bare } = paint;
    tell({ id: 'page.paint', at, ours, bare, ratio: ours / bare });
  }
  const report = {
    nodes: Number(values.nodes),
    bytes: text.length,
    answerMs: {
      first: round(median(first)),
      madeAnew: round(median(anew)),
      kept: round(median(kept)),
      bare: round(median(bareTimes)),
      ratio,
    },
    firstPaintMs: paint,
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
}

async function times(
  count: number,
  run: () => Promise<void>,
  apartMs = 0,
): Promise<readonly number[]> {
  const found: number[] = [];
  for (let at = 0; at < count; at++) {
    if (apartMs > 0) await new Promise((resolve) => setTimeout(resolve, apartMs));
    const startedMs = performance.now();
    await run();
    found.push(performance.now() - startedMs);
  }
  return found;
}

/** The same markup without what it loads. */
async function bare(text: string): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8').end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** From the start of loading to the first text on the screen. */
async function paints(
  url: string,
  admin: string,
  bareUrl: string,
  loads: number,
): Promise<{ readonly page: number; readonly bare: number; readonly ratio: number }> {
  await using browser = await launchChromium();
  const page = await browser.newPage();
  await page.goto(`${url}/`);
  await page.getByLabel('Token').fill(admin);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  const ours = await paintsOf(page, `${url}/`, loads);
  const plain = await paintsOf(page, `${bareUrl}/`, loads);
  return {
    page: round(median(ours)),
    bare: round(median(plain)),
    ratio: Number((median(ours) / median(plain)).toFixed(1)),
  };
}

async function paintsOf(page: Page, url: string, loads: number): Promise<readonly number[]> {
  const found: number[] = [];
  for (let at = 0; at < loads; at++) {
    await page.goto(url);
    found.push(await page.evaluate<number>(FIRST_PAINT));
  }
  return found;
}

await measure();
