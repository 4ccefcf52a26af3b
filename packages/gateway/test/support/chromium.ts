import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { onTestFinished } from 'vitest';

import { program } from './programs.ts';

/** Debian's, until the test ends. It talks to nobody by itself. `without` are flags that playwright would start it with. */
export async function startChromium(without: string[] = []): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: program('chromium', 'chromium'),
    ignoreDefaultArgs: without,
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
  onTestFinished(() => browser.close());
  return browser;
}
