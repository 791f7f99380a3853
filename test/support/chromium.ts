import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PROGRAM = '/usr/bin/chromium';

/** Why browser tests are skipped; false when they are not. */
export const withoutChromium: string | false = existsSync(PROGRAM)
  ? false
  : 'chromium is not installed';

/** The distribution's Chromium, without a window and without calling anybody. */
export async function launchChromium(): Promise<Browser> {
  return await chromium.launch({
    executablePath: PROGRAM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
