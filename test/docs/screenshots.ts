/** Pictures of the pages for docs/images, of the fleet that the golden outputs show: `npm run screenshots`. */
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchChromium, withoutChromium } from '../support/chromium.ts';
import { runRecordedFleet } from '../support/recorded-fleet.ts';

const FOLDER = join(import.meta.dirname, '../../docs/images');
const PICTURES = [
  ['overview', '/', 'light'],
  ['overview-dark', '/', 'dark'],
  ['nodes', '/nodes', 'light'],
  ['node', '/nodes/worker-1', 'light'],
  ['trust', '/trust', 'light'],
  ['checks', '/checks?result=fail', 'light'],
  ['drift', '/drift', 'light'],
  ['simulate', '/simulate', 'light'],
  ['coverage', '/coverage', 'light'],
] as const;

if (withoutChromium !== false) throw new Error(withoutChromium);
const stateDir = await mkdtemp(join(tmpdir(), 'nodeseal-screenshots-'));
try {
  await using fleet = await runRecordedFleet(stateDir);
  await using browser = await launchChromium();
  const { url, adminToken } = fleet.running;
  const page = await browser.newPage({
    viewport: { width: 1200, height: 800 },
    reducedMotion: 'reduce',
  });
  await page.goto(`${url}/`);
  await page.getByLabel('Token').fill(adminToken);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await mkdir(FOLDER, { recursive: true });
  for (const [name, path, colorScheme] of PICTURES) {
    await page.emulateMedia({ colorScheme });
    await page.goto(url + path);
    await page
      .getByText('● live')
      .or(page.getByRole('button', { name: 'Simulate' }))
      .first()
      .waitFor();
    const file = join(FOLDER, `${name}.png`);
    await page.screenshot({ path: file });
    console.log(`${name}.png ${Math.round((await stat(file)).size / 1024)} KiB`);
  }
} finally {
  await rm(stateDir, { recursive: true });
}
