import { readFile } from 'node:fs/promises';
import axe from 'axe-core';
import type { BrowserContext, Page } from 'playwright-core';
import t from 'tap';
import { findingKey } from '../../../shared/findings.ts';
import { FINDINGS, finding, runFleet } from '../../cli/fleet.ts';
import { launchChromium, withoutChromium } from '../../support/chromium.ts';
import { AskableNode, outcome, REJECT_ALL, simulationOf } from '../../support/simulations.ts';

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

const PATHS = [
  '/',
  '/nodes',
  '/nodes?state=retired',
  '/nodes/node-1',
  '/nodes/node-1?tab=trust',
  '/nodes/node-1?tab=checks',
  '/nodes/node-1?tab=images',
  '/nodes/node-1?tab=drift',
  '/nodes/node-1?tab=agent',
  '/nodes/node-1?tab=raw',
  '/nodes/node-1?compare=gpu-7',
  '/nodes/nobody',
  '/nodes/node-1?compare=pool/default',
  '/trust',
  '/trust?image=quay.io/team/old:v1',
  '/images',
  '/checks',
  '/checks/selinux.enforcing',
  '/drift',
  '/drift?explained=yes&node=node-1',
  '/simulate',
  '/coverage',
];

t.test('pages in a browser', { skip: withoutChromium }, async (t) => {
  await using fleet = await runFleet(t.testdir(), undefined, undefined, [
    { name: 'gpu-7', pool: 'gpu' },
  ]);
  const { url, adminToken } = fleet.running;
  await using browser = await launchChromium();
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const complaints = complaintsOf(context);
  const page = await context.newPage();

  await t.test('ask who it is, and go on where one wanted to', async (t) => {
    await page.goto(`${url}/nodes?pool=gpu`);
    t.match(page.url(), /\/sign-in\?next=/);
    t.same(await violations(page), []);
    await page.keyboard.press('Tab');
    await page.getByLabel('Token').fill('nsu_wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    t.same(await violations(page), []);
    await page.getByLabel('Token').fill(adminToken);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Nodes' }).waitFor();
    t.equal(page.url(), `${url}/nodes?pool=gpu`);
  });

  // Early: an agent that says nothing for 50 s is given up.
  await t.test('show a change without being loaded again', async (t) => {
    await page.goto(`${url}/nodes/node-1`);
    await page.getByText('● live').waitFor();
    await page.evaluate('globalThis.isSame = true');
    await page.locator('summary').first().focus();
    const changed = [...FINDINGS, finding('runtime.privileged', { result: 'fail' })];
    const items = new Map(changed.map((one) => [findingKey(one), { ...one }]));
    fleet.agent.send(fleet.agent.full('checks', items as never));
    await page.getByRole('link', { name: 'runtime.privileged' }).waitFor();
    t.equal(await page.evaluate('globalThis.isSame'), true);
    t.equal(await page.evaluate('document.activeElement.tagName'), 'SUMMARY', 'the focus stays');
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    await t.test(`have no fault that axe knows, ${colorScheme}`, async (t) => {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      for (const path of PATHS) {
        await page.goto(url + path);
        t.same(await violations(page), [], path);
      }
    });
  }

  await t.test('fit a window of 320 pixels, which is zoom 400 %', async (t) => {
    await page.setViewportSize({ width: 320, height: 256 });
    for (const path of PATHS) {
      await page.goto(url + path);
      const width = await page.evaluate('document.documentElement.scrollWidth');
      t.equal(width, 320, path);
    }
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  await t.test('can be paused', async (t) => {
    await page.goto(`${url}/nodes/node-1`);
    const pause = page.getByRole('button', { name: 'Pause updates' });
    await pause.press('Enter');
    t.equal(await pause.getAttribute('aria-pressed'), 'true');
    await page.getByText('paused').waitFor();
    await page.reload();
    await page.getByText('paused').waitFor();
    await pause.press('Enter');
    await page.getByText('● live').waitFor();
  });

  await t.test(
    'order their tables by the keyboard, and keep the order in the address',
    async (t) => {
      await page.goto(`${url}/nodes`);
      const first = page.locator('tbody tr').first();
      t.match(await first.textContent(), /node-1/);
      await page.getByRole('button', { name: 'Node', exact: true }).press('Enter');
      t.match(await first.textContent(), /gpu-7/);
      t.equal(await page.locator('th[aria-sort]').getAttribute('aria-sort'), 'ascending');
      await page.reload();
      t.match(await first.textContent(), /gpu-7/);
    },
  );

  await t.test('simulate a policy, from the upload to the result', async (t) => {
    const join = (await readFile(fleet.running.aggregator.tokenFiles.join, 'utf8')).trim();
    const { body } = await fleet.running.post('/v1/enroll', { token: join, name: 'node-2' }, '');
    const node = await AskableNode.connect(url, (body as { token: string }).token);
    await page.goto(`${url}/simulate`);
    const policy = { name: 'new-policy.json', mimeType: 'application/json' };
    const upload = async (text: string): Promise<void> => {
      await page
        .getByLabel('File', { exact: true })
        .setInputFiles({ ...policy, buffer: Buffer.from(text) });
      await page.getByRole('button', { name: 'Simulate' }).click();
    };
    await upload('{"default": [{"type": "rejekt"}]}');
    t.match(await page.getByRole('alert').textContent(), /422 .*new-policy\.json:1:2\d: /);
    await page.goto(`${url}/simulate`);
    await upload(REJECT_ALL);
    await page.getByRole('heading', { name: 'Simulation', exact: true }).waitFor();
    await page.getByText('running').waitFor();
    t.same(await violations(page), [], 'while it runs');
    t.match(await node.answer(simulationOf([outcome('shop'), outcome('bank')])), {
      policyMode: 'replace',
    });
    await page.getByText('image uses newly refused').waitFor();
    await page.getByText('quay.io/shop:1').waitFor();
    t.same(await violations(page), [], 'when it is done');
    await page.getByRole('link', { name: 'Simulate' }).click();
    await page.getByRole('cell', { name: 'done' }).waitFor();
    await node.agent.close();
  });

  await t.test('are light or dark as one chooses', async (t) => {
    await page.goto(`${url}/nodes?order=0:up`);
    await page.getByLabel('Theme').selectOption('dark');
    await page.getByRole('button', { name: 'Set' }).click();
    await page.waitForLoadState();
    t.equal(await page.locator('html').getAttribute('data-theme'), 'dark');
    t.match(page.url(), /\/nodes\?order=/);
    const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    t.equal(ground, 'rgb(13, 17, 23)');
  });

  await t.test('break no rule of their content security policy', async (t) => {
    t.same(await complaints, []);
  });

  await t.test('work without JavaScript', async (t) => {
    const plain = await browser.newContext({ javaScriptEnabled: false });
    const page = await plain.newPage();
    await page.goto(`${url}/nodes/node-1`);
    await page.getByLabel('Token').fill(adminToken);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Node node-1' }).waitFor();
    await page.getByRole('link', { name: 'Images (2)' }).click();
    await page.getByText('quay.io/team/old:v1').waitFor();
    await page.getByRole('link', { name: 'Nodes', exact: true }).click();
    await page.getByLabel('State').selectOption('expected');
    await page.getByRole('button', { name: 'Filter' }).click();
    t.equal(await page.locator('tbody tr').count(), 1);
    t.equal(await page.getByRole('button', { name: 'Pause updates' }).isVisible(), false);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.goto(`${url}/nodes`);
    t.match(page.url(), /\/sign-in/, 'signed out is signed out');
  });

  await t.test('take nobody anywhere once the session is over', async (t) => {
    await page.goto(`${url}/`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.goBack();
    t.match(page.url(), /\/sign-in/);
  });
});

/** Everything that a page of the context says on the console or throws, above all refusals of its policy. */
function complaintsOf(context: BrowserContext): string[] {
  const found: string[] = [];
  context.on('console', (message) => {
    // The browser's own words on 401 and 404, which are asked for.
    const isStatus = message.text().startsWith('Failed to load resource');
    if (['error', 'warning'].includes(message.type()) && !isStatus) found.push(message.text());
  });
  context.on('weberror', (error) => found.push(error.error().message));
  return found;
}

async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const run = `axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })`;
  const { violations: found } = (await page.evaluate(run)) as { violations: readonly Violation[] };
  return found.flatMap(({ id, nodes }) =>
    nodes.map((one) => `${id}: ${one.html} ${one.failureSummary}`),
  );
}
